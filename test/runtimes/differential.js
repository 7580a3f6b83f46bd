// The same streams to the runtime's own EventSource and to ours.
import { EventSource } from 'unmissed/eventsource'

/** All that a source tells of one body: its events as [type, data, lastEventId], until the server ends it. */
function listen(Source, url, types) {
  return new Promise((resolve) => {
    const heard = []
    const source = new Source(url)
    const done = (end) => {
      clearTimeout(timer)
      source.close()
      resolve(end === undefined ? heard : [...heard, end])
    }
    const timer = setTimeout(done, 2000, 'never ended')
    for (const type of types)
      source.addEventListener(type, (event) => {
        if (event instanceof MessageEvent) heard.push([type, event.data, event.lastEventId])
      })
    source.onerror = (event) => event instanceof MessageEvent || done()
  })
}

/** Plays the cases of fixtures/conformance.json to both. Those with options ask for more than one body can show. */
export async function compare(base) {
  const cases = await (await fetch(`${base}/fixtures/conformance.json`)).json()
  const results = []
  for (const { name, spec, stream, bytes, events } of cases.filter(({ options }) => options === undefined)) {
    const chunk = stream ?? bytes.match(/../g).map((pair) => Number.parseInt(pair, 16))
    const response = await fetch(`${base}/streams`, { method: 'POST', body: JSON.stringify([{ chunks: [chunk] }]) })
    const url = `${base}/streams/${(await response.json()).id}`
    const types = new Set(['message', ...events.map(({ type }) => type)])
    const [ours, native] = await Promise.all(
      [EventSource, globalThis.EventSource].map((Source) => listen(Source, url, types)),
    )
    results.push({ name, spec, expected: events.map(({ type, data, id }) => [type, data, id]), ours, native })
  }
  return results
}
