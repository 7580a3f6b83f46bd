import { describe, expect, test } from 'vitest'
import { createParser } from '../../src/index.ts'
import { type Chunk, cut } from './record.ts'

// A parser that reads something twice per chunk, line or event is quick on small bodies and stalls on large ones. So: one
// body of 16 parts against 16 bodies of one part, the same bytes on both sides. Linear is 1, quadratic is 16. A long
// line has 128 KiB in each part: from there on V8 keeps a string in a place of its own, which costs more, and would be
// taken for the parser's.

const PARTS = 16
const ROUNDS = 7
const BOUND = 4

const KIB = 1024

function every<Body extends Chunk>(body: Body, size: number): Body[] {
  const places = []
  for (let at = size; at < body.length; at += size) places.push(at)
  return cut(body, places)
}

/** What one body of so many parts is, as text, and the sizes in which it comes. */
const workloads: Record<string, { body: (parts: number) => string; chunk: number }> = {
  'one long line in chunks of 1 KiB': { body: (parts) => `data: ${'x'.repeat(parts * 128 * KIB)}\n\n`, chunk: KIB },
  'one long line in chunks of 16': { body: (parts) => `data: ${'x'.repeat(parts * 128 * KIB)}\n\n`, chunk: 16 },
  'one long line in chunks of 1': { body: (parts) => `data: ${'x'.repeat(parts * 16 * KIB)}\n\n`, chunk: 1 },
  'one long line of CJK in chunks of 100': {
    body: (parts) => `data: ${'日本語'.repeat(parts * 24 * KIB)}\n\n`,
    chunk: 100,
  },
  'one long comment in chunks of 100': { body: (parts) => `: ${'x'.repeat(parts * 128 * KIB)}\n\n`, chunk: 100 },
  'one long unknown line in chunks of 100': { body: (parts) => `${'x'.repeat(parts * 128 * KIB)}\n\n`, chunk: 100 },
  'one long id in chunks of 100': { body: (parts) => `id: ${'x'.repeat(parts * 128 * KIB)}\n\n`, chunk: 100 },
  'many events in one chunk': {
    body: (parts) => 'data: x\n\n'.repeat(parts * 8 * KIB),
    chunk: Number.POSITIVE_INFINITY,
  },
  'many events in chunks of 64 KiB': { body: (parts) => 'data: abc\n\n'.repeat(parts * 8 * KIB), chunk: 64 * KIB },
  'many events in chunks of 7': { body: (parts) => 'data: x\n\n'.repeat(parts * KIB), chunk: 7 },
  'many events byte by byte': { body: (parts) => 'data: x\n\n'.repeat(parts * 256), chunk: 1 },
  'many events with CRLF in one chunk': {
    body: (parts) => 'data: x\r\n\r\n'.repeat(parts * 4 * KIB),
    chunk: Number.POSITIVE_INFINITY,
  },
  'many events with all fields': {
    body: (parts) => 'id: 1\nevent: t\nretry: 5\n: c\ndata: é\n\n'.repeat(parts * KIB),
    chunk: 4 * KIB,
  },
  'many data lines in one chunk': {
    body: (parts) => `${'data: x\n'.repeat(parts * 4 * KIB)}\n`,
    chunk: Number.POSITIVE_INFINITY,
  },
  'many data lines in chunks of 1 KiB': { body: (parts) => `${'data: x\n'.repeat(parts * 4 * KIB)}\n`, chunk: KIB },
  'many data lines in chunks of 5': { body: (parts) => `${'data: x\n'.repeat(parts * KIB)}\n`, chunk: 5 },
  'many empty data lines': { body: (parts) => `${'data\n'.repeat(parts * 4 * KIB)}\n`, chunk: 4 * KIB },
  'many blank lines in one chunk': { body: (parts) => '\n'.repeat(parts * 32 * KIB), chunk: Number.POSITIVE_INFINITY },
  'many CRs in chunks of 1 KiB': { body: (parts) => '\r'.repeat(parts * 32 * KIB), chunk: KIB },
  'many colons in one line': { body: (parts) => `data: ${':'.repeat(parts * 128 * KIB)}\n\n`, chunk: KIB },
  'many comments without a blank line': { body: (parts) => ':thump\n'.repeat(parts * 4 * KIB), chunk: KIB },
  'many ids in one block': { body: (parts) => 'id: 1\n'.repeat(parts * 4 * KIB), chunk: KIB },
  'a CR, then text without another, in one chunk': {
    body: (parts) => `data: a\r\r${'data: x\n\n'.repeat(parts * 8 * KIB)}`,
    chunk: Number.POSITIVE_INFINITY,
  },
  'text without a CR, then one, in one chunk': {
    body: (parts) => `${'data: x\n\n'.repeat(parts * 8 * KIB)}data: a\r\r`,
    chunk: Number.POSITIVE_INFINITY,
  },
}

/** The processor time of a whole body, in microseconds. */
function cost(bodies: Chunk[][]): number {
  let calls = 0
  const count = () => {
    calls++
  }
  const before = process.cpuUsage()
  for (const chunks of bodies) {
    const parser = createParser({
      onEvent: count,
      onId: count,
      onRetry: count,
      onComment: count,
      maxEventSize: 2 ** 30,
    })
    for (const chunk of chunks) parser.push(chunk)
    parser.end()
  }
  const { user, system } = process.cpuUsage(before)
  return user + system + Math.min(calls, 0)
}

/** What else the machine does, and the collector, only adds: so the least of several runs is the nearest to the cost. */
const least = (numbers: number[]) => Math.max(1, Math.min(...numbers))

describe.each(Object.entries(workloads))('%s', (_, { body, chunk }) => {
  test.each([
    ['bytes', (text: string): Chunk => new TextEncoder().encode(text)],
    ['text', (text: string): Chunk => text],
  ])('costs in proportion to its length, as %s', { timeout: 60_000 }, (_, form) => {
    const large = [every(form(body(PARTS)), chunk)]
    const small = Array.from({ length: PARTS }, () => every(form(body(1)), chunk))
    cost(small)
    cost(large)
    const costs = Array.from({ length: ROUNDS }, () => ({ large: cost(large), small: cost(small) }))
    const ratio = least(costs.map(({ large }) => large)) / least(costs.map(({ small }) => small))
    expect(ratio).toBeLessThan(BOUND)
  })
})
