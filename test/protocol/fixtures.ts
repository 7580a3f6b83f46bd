import { readdirSync, readFileSync } from 'node:fs'
import type { Call, Event, PlainOptions } from '../helpers/plain-parser.ts'

const folder = new URL('../../fixtures/', import.meta.url)

/** One body and what a client must see of it. What is left out must not happen. */
export type Expectation = {
  events: Event[]
  comments?: string[]
  /** Each reconnection time, when its line was read. */
  retry?: number[]
  /** The last event id in force after the body. */
  lastEventId?: string
  options?: PlainOptions
}

export type Case = Expectation & { name: string; spec: string; bytes: Uint8Array }

function json<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, folder), 'utf8'))
}

/** `fixtures/conformance.json`: a `stream` is text, `bytes` are hexadecimal, for what no text can say. */
export function conformance(): Case[] {
  type Raw = Expectation & { name: string; spec: string } & ({ stream: string } | { bytes: string })
  return json<Raw[]>('conformance.json').map((raw) => ({
    ...raw,
    bytes: 'stream' in raw ? Buffer.from(raw.stream, 'utf8') : Buffer.from(raw.bytes, 'hex'),
  }))
}

/** `fixtures/recorded`: the wire forms of services, each with what a client must see beside it, and where it may stop. */
export function recorded(): (Case & { until?: string })[] {
  return readdirSync(new URL('recorded/', folder))
    .filter((file) => file.endsWith('.sse'))
    .map((file) => ({
      ...json<Expectation & { name: string; spec: string; until?: string }>(`recorded/${file.replace(/sse$/, 'json')}`),
      bytes: readFileSync(new URL(`recorded/${file}`, folder)),
    }))
}

export type EncodeCase = { name: string } & (
  | { event: Record<string, unknown>; frame: string }
  | { event: Record<string, unknown>; error: { name: 'TypeError' | 'RangeError'; field: string } }
  | { comment: string; frame: string }
  | { comment: string; error: { name: 'TypeError' | 'RangeError'; field: string } }
)

/** `fixtures/encode.json`: what is written for an event or a comment, or which error refuses it. */
export function encodeCases(): EncodeCase[] {
  return json<EncodeCase[]>('encode.json')
}

/** What the calls of a parser, or of the oracle, come to in the words of a fixture. */
export function expectationOf(
  calls: readonly Call[],
  options: PlainOptions = {},
): Required<Omit<Expectation, 'options'>> {
  const of = <Kind extends Call[0]>(kind: Kind) =>
    calls.flatMap((call) => (call[0] === kind ? [call[1] as Extract<Call, readonly [Kind, unknown]>[1]] : []))
  return {
    events: of('event'),
    comments: of('comment'),
    retry: of('retry'),
    lastEventId: of('id').at(-1) ?? options.lastEventId ?? '',
  }
}

/** The same, as the fixture has it. */
export function expected({ events, comments = [], retry = [], lastEventId = '' }: Expectation) {
  return { events, comments, retry, lastEventId }
}
