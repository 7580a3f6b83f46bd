import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { address, count, headersOf, parse } from '../../src/cli/args.ts'
import { formatter, painter } from '../../src/cli/print.ts'
import { size, statusLine, summary } from '../../src/cli/status.ts'
import type { Connection } from '../../src/client/connect.ts'
import type { Snapshot } from '../../src/client/options.ts'

/** A terminal that remembers what was written to it. */
function terminal(isTTY = true) {
  const written: string[] = []
  const stream = { isTTY, columns: 80, write: (text: string) => written.push(text) }
  return { stream: stream as unknown as NodeJS.WriteStream, written }
}

/** A connection, as far as a status line looks at one. */
function connection(first: Partial<Snapshot>) {
  let listener: (snapshot: Snapshot) => void = () => {}
  const handle = {
    snapshot: {
      state: 'connecting',
      attempt: 1,
      delay: undefined,
      error: undefined,
      lastEventId: '',
      ...first,
    } as Snapshot,
    subscribe(run: typeof listener) {
      listener = run
      return () => {
        listener = () => {}
      }
    },
  }
  return {
    handle: handle as unknown as Connection,
    enter(next: Partial<Snapshot>) {
      handle.snapshot = { ...handle.snapshot, ...next }
      listener(handle.snapshot)
    },
  }
}

beforeEach(() => {
  vi.stubEnv('NO_COLOR', '1')
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

test('the status line says state, events, rate, bytes, last id and the time to the next attempt', () => {
  const { stream, written } = terminal()
  const { handle, enter } = connection({ lastEventId: '7' })
  const tally = { events: 0, bytes: 0, attempts: 1, since: Date.now() }
  const status = statusLine(handle, tally, stream)
  tally.events = 12
  tally.bytes = 3400
  enter({ state: 'open' })
  vi.advanceTimersByTime(1000)
  expect(written.at(-1)).toBe('● open · 12 events · 12/s · 3.4 kB · id 7')
  enter({ state: 'waiting', delay: 2000, attempt: 2 })
  vi.advanceTimersByTime(500)
  expect(written.at(-1)).toContain('● waiting · 12 events')
  expect(written.at(-1)).toContain('attempt 3 in 1.5 s')
  status.close()
})

test('the status line is gone before a line of output, and for good at the end', () => {
  const { stream, written } = terminal()
  const { handle, enter } = connection({})
  const status = statusLine(handle, { events: 0, bytes: 0, attempts: 1, since: Date.now() }, stream)
  enter({ state: 'open' })
  status.clear()
  expect(written.at(-1)).toBe('\r\x1b[2K')
  status.close()
  const { length } = written
  enter({ state: 'waiting' })
  vi.advanceTimersByTime(1000)
  expect(written).toHaveLength(length)
  expect(vi.getTimerCount()).toBe(0)
})

test('sizes are told in powers of a thousand', () => {
  expect([0, 999, 1000, 1_500_000].map(size)).toEqual(['0 B', '999 B', '1.0 kB', '1.5 MB'])
})

test('the summary counts from the beginning', () => {
  const tally = { events: 10, bytes: 2000, attempts: 2, since: Date.now() }
  vi.advanceTimersByTime(5000)
  expect(summary(tally, 'x"y')).toBe('10 events, 2.0 kB, 5.0 s, 2.0 events/s, 2 attempts, last id "x\\"y"\n')
})

test('on a terminal, control characters of the server are shown and not obeyed', () => {
  const format = formatter(parse([]).values, terminal().stream)
  expect(format({ type: 'a\x1b[2J', data: 'b\x07\x9b1m', id: '\x1bc' })).toBe('a\\x1b[2J b\\x07\\x9b1m \\x1bc\n')
})

test('colours are for terminals, unless NO_COLOR or FORCE_COLOR says otherwise', () => {
  vi.stubEnv('NO_COLOR', undefined)
  vi.stubEnv('FORCE_COLOR', undefined)
  expect(painter(terminal(true).stream)(31, 'x')).toBe('\x1b[31mx\x1b[0m')
  expect(painter(terminal(false).stream)(31, 'x')).toBe('x')
  vi.stubEnv('FORCE_COLOR', '1')
  expect(painter(terminal(false).stream)(31, 'x')).toBe('\x1b[31mx\x1b[0m')
  vi.stubEnv('NO_COLOR', '1')
  expect(painter(terminal(true).stream)(31, 'x')).toBe('x')
})

test.each([
  [':3000', 'http://localhost:3000/'],
  ['localhost:3000/a?b', 'http://localhost:3000/a?b'],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080/'],
  ['example.com/events', 'https://example.com/events'],
  ['http://example.com', 'http://example.com/'],
])('%s is the address %s', (word, url) => {
  expect(address(word).href).toBe(url)
})

test('a header may hold colons, and is trimmed', () => {
  expect([...headersOf(parse(['-H', 'X-Time:  12:30 ']).values)]).toEqual([['x-time', '12:30']])
})

test('a count below its least is refused with the name of its option', () => {
  expect(() => count(parse(['--max', '0']).values, 'max', 1)).toThrow(/--max.*at least 1/)
  expect(count(parse(['--port', '0']).values, 'port', 0)).toBe(0)
})
