/**
 * Who reads: each contender turns chunks into events and hands type, data and id of each to `take`. `bytes` and `text`
 * read a whole body in one synchronous call with a loop of their own, so that every parser has its own call sites.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

function ours({ createParser }) {
  const read = (chunks, take) => {
    const parser = createParser({ onEvent: ({ type, data, id }) => take(type, data, id) })
    for (const chunk of chunks) parser.push(chunk)
    parser.end()
  }
  return { bytes: read, text: read }
}

async function eventsourceParser() {
  const { createParser } = await import('eventsource-parser')
  const start = (take) => createParser({ onEvent: ({ event, data, id }) => take(event ?? 'message', data, id ?? '') })
  return {
    bytes(chunks, take) {
      const decoder = new TextDecoder()
      const parser = start(take)
      for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
    },
    text(chunks, take) {
      const parser = start(take)
      for (const chunk of chunks) parser.feed(chunk)
    },
  }
}

async function fetchEventSource() {
  // The package's main entry needs a document; its parser does not.
  const { getLines, getMessages } = require('@microsoft/fetch-event-source/lib/cjs/parse.js')
  const ignore = () => {}
  return {
    bytes(chunks, take) {
      const push = getLines(getMessages(ignore, ignore, ({ event, data, id }) => take(event || 'message', data, id)))
      for (const chunk of chunks) push(chunk)
    },
    known: { 'a million empty lines': 'hands over an empty message for every empty line' },
  }
}

async function undici() {
  const { EventSourceStream } = require('undici/lib/web/eventsource/eventsource-stream.js')
  return {
    bytes(chunks, take) {
      // `push` is how undici itself takes the events, without the readable side of the stream.
      const stream = new EventSourceStream({
        push: ({ type, options }) => take(type, options.data, options.lastEventId ?? ''),
      })
      for (const chunk of chunks) stream.write(chunk)
    },
  }
}

async function openai() {
  const { LineDecoder, SSEDecoder } = await openaiInside()
  return {
    bytes(chunks, take) {
      const lines = new LineDecoder()
      const decoder = new SSEDecoder()
      const read = (list) => {
        for (const line of list) {
          const event = decoder.decode(line)
          if (event) take(event.event || 'message', event.data)
        }
      }
      for (const chunk of chunks) read(lines.decode(chunk))
      read(lines.flush())
    },
  }
}

/** openai's decoders can otherwise only be had inside its asynchronous iteration, so they are exported from a copy. */
async function openaiInside() {
  const url = new URL('core/streaming.mjs', import.meta.resolve('openai'))
  const source = (await readFile(url, 'utf8')).replace(
    /from "(\.[^"]+)"/g,
    (_, path) => `from ${JSON.stringify(new URL(path, url).href)}`,
  )
  return import(`data:text/javascript,${encodeURIComponent(`${source}\nexport { LineDecoder, SSEDecoder }`)}`)
}

/**
 * Decodes each chunk and slices the data out at places known beforehand, nothing else: what no reader of events can
 * go below. `options` are the decoder's; which way is cheaper depends on the runtime and the text.
 */
function floor(options) {
  const slices = (text, at, take) => {
    for (let i = 0; i < at.length; i += 2) take('message', text.slice(at[i], at[i + 1]), '')
  }
  return {
    floor: true,
    bytes(_, take, { floor: { chunks, places } }) {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
      for (let i = 0; i < chunks.length; i++) slices(decoder.decode(chunks[i], options), places[i], take)
    },
    text(chunks, take, { floor: { places } }) {
      for (let i = 0; i < chunks.length; i++) slices(chunks[i], places[i], take)
    },
  }
}

const loaders = {
  unmissed: async () => ours(await import('unmissed')),
  'eventsource-parser': eventsourceParser,
  'fetch-event-source': fetchEventSource,
  undici,
  openai,
  floor: async () => floor(undefined),
  'floor (stream)': async () => floor({ stream: true }),
}

/** All others are given as multiples of this one's speed. */
export const yardstick = 'eventsource-parser'

/** `only` says which, by name; `src` is another build of ours, a module, which reads beside the current one. */
export async function loadContenders({ only = () => true, src } = {}) {
  const names = Object.keys(loaders).filter(only)
  const loaded = await Promise.all(names.map(async (name) => ({ name, ...(await loaders[name]()) })))
  return src ? [{ name: 'src', ...ours(src) }, ...loaded] : loaded
}
