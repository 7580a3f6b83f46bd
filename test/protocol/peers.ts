import { getLines, getMessages } from '@microsoft/fetch-event-source/lib/esm/parse.js'
import { createParser } from 'eventsource-parser'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { events } from 'fetch-event-stream'
import { _iterSSEMessages } from 'openai/core/streaming'
import { EventSourceStream } from 'undici/lib/web/eventsource/eventsource-stream.js'
import type { Departure, Seen } from './departures.ts'

/** A parser in use, and where it leaves the standard. */
export type Peer = {
  name: string
  /** What it tells besides type and data. */
  tells: readonly ('id' | 'retry' | 'lastEventId')[]
  departs: readonly Departure[]
  read(chunks: Uint8Array[]): Seen | Promise<Seen>
}

function stream(chunks: Uint8Array[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Uint8Array.from(chunk))
      controller.close()
    },
  })
}

export const peers: Peer[] = [
  {
    name: 'eventsource-parser',
    tells: ['id', 'retry', 'lastEventId'],
    departs: ['latin1Bom'],
    read(chunks) {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
      const seen: Seen = { events: [], lastEventId: '' }
      const parser = createParser({
        onEvent: ({ event, data }) => seen.events.push({ type: event || 'message', data, id: seen.lastEventId }),
        onId: (id) => {
          seen.lastEventId = id
        },
        onRetry: (retry) => {
          seen.retry = retry
        },
      })
      for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
      return seen
    },
  },
  {
    name: 'eventsource-parser/stream',
    tells: ['retry', 'lastEventId'],
    departs: ['secondBom', 'latin1Bom'],
    async read(chunks) {
      const seen: Seen = { events: [], lastEventId: '' }
      const parsed = stream(chunks)
        .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
        .pipeThrough(
          new EventSourceParserStream({
            onId: (id) => {
              seen.lastEventId = id
            },
            onRetry: (retry) => {
              seen.retry = retry
            },
          } as ConstructorParameters<typeof EventSourceParserStream>[0]),
        )
      for await (const { event, data } of parsed) seen.events.push({ type: event || 'message', data })
      return seen
    },
  },
  {
    name: '@microsoft/fetch-event-source',
    tells: ['id', 'retry', 'lastEventId'],
    departs: [
      'bomPerField',
      'eventPerBlankLine',
      'emptyFirstLine',
      'colonNeeded',
      'idAtItsLine',
      'idWithNul',
      'retryByPrefix',
    ],
    read(chunks) {
      const seen: Seen = { events: [], lastEventId: '' }
      const onChunk = getLines(
        getMessages(
          (id) => {
            seen.lastEventId = id
          },
          (retry) => {
            seen.retry = retry
          },
          ({ event, data }) => void seen.events.push({ type: event || 'message', data, id: seen.lastEventId }),
        ),
      )
      for (const chunk of chunks) if (chunk.length > 0) onChunk(chunk)
      return seen
    },
  },
  {
    name: 'openai',
    tells: [],
    departs: ['bomPerLine', 'eventPerName'],
    async read(chunks) {
      const seen: Seen = { events: [] }
      const messages = _iterSSEMessages(new Response(stream(chunks)), new AbortController())
      for await (const { event, data } of messages) seen.events.push({ type: event || 'message', data })
      return seen
    },
  },
  {
    name: 'fetch-event-stream',
    tells: ['id', 'retry'],
    departs: [
      'allSpace',
      'colonNeeded',
      'eventPerField',
      'emptyFirstLine',
      'idAsNumber',
      'idWithNul',
      'retryAsNumber',
      'retryAtBlankLine',
    ],
    async read(chunks) {
      const seen: Seen = { events: [] }
      let last: unknown = ''
      for await (const { event, data, id, retry } of events(new Response(stream(chunks)))) {
        last = id ?? last
        seen.events.push({ type: event || 'message', data, id: last })
        seen.retry = retry ?? seen.retry
      }
      return seen
    },
  },
  {
    name: 'undici',
    tells: ['id', 'retry', 'lastEventId'],
    departs: ['emptyNameKept', 'retryAtBlankLine'],
    async read(chunks) {
      const seen: Seen = { events: [] }
      const settings = { lastEventId: '', reconnectionTime: undefined as number | undefined }
      const parser = new EventSourceStream({
        eventSourceSettings: settings,
        push: ({ type, options }) => {
          seen.events.push({ type, data: options.data, id: options.lastEventId })
          return true
        },
      })
      for (const chunk of chunks) await new Promise((done) => parser.write(chunk, done))
      return { ...seen, retry: settings.reconnectionTime, lastEventId: settings.lastEventId }
    },
  },
]
