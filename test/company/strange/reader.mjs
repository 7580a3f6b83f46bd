/** Reads a stream with the client of another, and prints what it hears: `reader.mjs which url`. */
const [which, url] = process.argv.slice(2)
const hear = (data) => console.log(data)

/** What waits to ask again in eventsource 5 does not hold the process: by itself it would be over at the first cut, with code 0. */
setInterval(() => {}, 1000)

const likeTheBrowser = async () => {
  const { EventSource } = await import(which)
  new EventSource(url).addEventListener('message', ({ data }) => hear(data))
}

const readers = {
  eventsource: likeTheBrowser,
  'eventsource-5': likeTheBrowser,
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
