import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { address, count, headersOf, parse } from '../../src/cli/args.ts'
import { formatter, painter } from '../../src/cli/print.ts'
import { size, statusLine, summary } from '../../src/cli/status.ts'
import { shellWord } from '../../src/cli/visible.ts'
import type { Connection } from '../../src/client/connect.ts'
import { ConnectError } from '../../src/client/errors.ts'
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

test('an id is told as a shell takes it, which runs nothing of it', () => {
  const ids = ['2', '$(reboot)`reboot`"', "it's", "\x1b[2J\\n\u009b\u202e'", '-x', '日本 語', '']
  const taken = ids.map((id) =>
    execFileSync('bash', ['-c', `printf '%s|' ${shellWord(id)}`], { env: { LC_ALL: 'C.UTF-8' } }),
  )
  expect(taken.map(String)).toEqual(ids.map((id) => `${id}|`))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(ids.map(shellWord).join('')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202e]/)
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

test('so they are in a frame and in JSON, and with them what turns the direction of the text', () => {
  const hostile = { type: 'a\x1b', data: '\x9b\u202e\nb', id: '\x7f' }
  expect(formatter(parse(['--raw']).values, terminal().stream)(hostile)).toBe(
    'id: \\x7f\nevent: a\\x1b\ndata: \\x9b\\u202e\ndata: b\n\n',
  )
  expect(formatter(parse(['--json']).values, terminal().stream)(hostile)).toBe(
    '{"type":"a\\u001b","data":"\\u009b\\u202e\\nb","id":"\\u007f"}\n',
  )
})

test('in a pipe the data is what the server sent', () => {
  const hostile = { type: 'a', data: '\x1b[2J', id: '' }
  expect(formatter(parse([]).values, terminal(false).stream)(hostile)).toBe('\x1b[2J\n')
  expect(formatter(parse(['--raw']).values, terminal(false).stream)(hostile)).toBe('event: a\ndata: \x1b[2J\n\n')
})

test('a status line is never longer than the terminal is wide, nor obeys what a server named', () => {
  const { stream, written } = terminal()
  const { handle, enter } = connection({ lastEventId: `\x1b${'x'.repeat(5000)}` })
  const status = statusLine(handle, { events: 0, bytes: 0, attempts: 1, since: Date.now() }, stream)
  enter({ state: 'waiting', delay: 1000, error: new ConnectError('network', `\x9b${'y'.repeat(5000)}\nz`) })
  status.close()
  const line = written.find((text) => text.startsWith('●')) ?? ''
  expect([line.length, line]).toEqual([79, expect.stringMatching(/ · id \\x1bx+… · attempt 2 in 1\.0 s/)])
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
  ['[::1]:3000/a', 'http://[::1]:3000/a'],
  ['0.0.0.0:3000', 'http://0.0.0.0:3000/'],
  ['localhost', 'http://localhost/'],
  ['LOCALHOST?a', 'http://localhost/?a'],
  // What only begins like this machine is another.
  ['localhost.example.com', 'https://localhost.example.com/'],
  ['localhost@example.com', 'https://localhost@example.com/'],
  ['127.example.com:3000', 'https://127.example.com:3000/'],
  ['127.0.0.1.example.com', 'https://127.0.0.1.example.com/'],
  ['localhosted', 'https://localhosted/'],
])('%s is the address %s', (word, url) => {
  expect(address(word).href).toBe(url)
})

test('a header may hold colons, and is trimmed', () => {
  expect([...headersOf(parse(['-H', 'X-Time:  12:30 ']).values)]).toEqual([['x-time', '12:30']])
})

test('a count outside its bounds is refused with the name of its option', () => {
  expect(() => count(parse(['--max', '0']).values, 'max', 1)).toThrow(/--max.*at least 1/)
  expect(() => count(parse(['--port', '65536']).values, 'port', 0, 65_535)).toThrow(/--port.*from 0 to 65535/)
  expect(count(parse(['--port', '0']).values, 'port', 0)).toBe(0)
})
