import { createServer } from 'node:http'
import { createHub } from 'unmissed/server'

export const hub = createHub({ history: 100_000 })
const { id: beginning } = await hub.publish({ type: 'started' })

/** Who is new gets everything that was ever logged, who returns what it missed; then both get what is new. */
export const server = createServer((request, response) => {
  request.headers['last-event-id'] ??= beginning
  hub.handle(request, response)
})
export const log = (entry: string) => hub.publish({ type: 'entry', data: entry })
