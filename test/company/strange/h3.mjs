import { createEventStream, H3, serve } from 'h3'
import { numbers } from './numbers.mjs'

const app = new H3().get('/events', (event) => {
  const stream = createEventStream(event)
  void (async () => {
    for await (const n of numbers(event.req.headers.get('last-event-id')))
      await stream.push({ id: String(n), data: String(n) })
  })()
  return stream.send()
})
serve(app, { port: Number(process.env.PORT), hostname: '127.0.0.1', silent: true })
