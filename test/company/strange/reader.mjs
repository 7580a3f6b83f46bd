/** Reads a stream with the client of another, and prints what it hears: `reader.mjs which url`. */
const [which, url] = process.argv.slice(2)
const hear = (data) => console.log(data)

const readers = {
  async eventsource() {
    const { EventSource } = await import('eventsource')
    new EventSource(url).addEventListener('message', ({ data }) => hear(data))
  },
  async 'eventsource-client'() {
    const { createEventSource } = await import('eventsource-client')
    createEventSource({ url, onMessage: ({ data }) => hear(data) })
  },
  async '@microsoft/fetch-event-source'() {
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
    globalThis.window = globalThis
    const { default: own } = await import('@microsoft/fetch-event-source')
    await own.fetchEventSource(url, { onmessage: ({ data }) => data && hear(data), onerror: () => 20, fetch })
  },
  async 'launchdarkly-eventsource'() {
    const { EventSource } = await import('launchdarkly-eventsource')
    const source = new EventSource(url, { initialRetryDelayMillis: 20, errorFilter: () => true })
    source.addEventListener('message', ({ data }) => hear(data))
    source.onerror = () => {}
  },
}
await readers[which]()
