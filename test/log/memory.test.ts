import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type Bounds,
  type Entry,
  fromId,
  type Log,
  type MemoryLogOptions,
  type MemoryLogsOptions,
  type Message,
  memoryLogs,
  type Page,
  toId,
} from '../../src/server/index.ts'

const message = (text: string, more: Partial<Message> = {}): Message => ({
  frame: `data: ${text}\n\n`,
  type: 'message',
  ...more,
})
const open = (options?: MemoryLogOptions, all?: MemoryLogsOptions): Log => memoryLogs(all).open('log', options)
const fill = (log: Log, count: number, text = 'x', more: Partial<Message> = {}) => {
  for (let n = 0; n < count; n++) log.append(message(text, more))
}
const bounds = (log: Log) => log.bounds() as Bounds
const read = (log: Log, offset: number, limit = 10_000) =>
  log.read({ epoch: bounds(log).epoch, offset }, limit) as Page | undefined
const covers = (log: Log, offset: number, reader: { topics?: string[]; prefixes?: string[]; user?: string } = {}) =>
  log.covers?.({ epoch: bounds(log).epoch, offset }, { topics: [], ...reader })
const offsets = (page: Page | undefined) => page?.entries.map(({ offset }) => offset)

afterEach(() => void vi.useRealTimers())

describe('a log keeps', () => {
  test('so many entries', () => {
    const log = open({ count: 10 })
    fill(log, 25)
    expect(bounds(log)).toMatchObject({ offset: 25, oldest: 16 })
    expect(covers(log, 15)).toBe(true)
    expect(covers(log, 14)).toBe(false)
  })

  test('so many bytes, counted with what an entry costs beside its text', () => {
    const log = open({ count: 1e6, bytes: 100_000 })
    fill(log, 1000, 'x'.repeat(752))
    expect(bounds(log)).toMatchObject({ offset: 1000, oldest: 901 })
    const wide = open({ count: 1e6, bytes: 100_000 })
    fill(wide, 1000, '語'.repeat(372))
    expect(bounds(wide).oldest).toBe(901)
  })

  test('entries so long', () => {
    vi.useFakeTimers()
    const log = open({ age: 1000 })
    fill(log, 5)
    vi.advanceTimersByTime(600)
    fill(log, 5)
    expect(bounds(log).oldest).toBe(1)
    vi.advanceTimersByTime(600)
    expect(covers(log, 4)).toBe(false)
    expect(covers(log, 5)).toBe(true)
    expect(offsets(read(log, 5))).toEqual([6, 7, 8, 9, 10])
    vi.advanceTimersByTime(600)
    expect(bounds(log)).toMatchObject({ offset: 10, oldest: 11 })
    expect(read(log, 10)).toEqual({ entries: [], end: 10 })
  })

  test('nothing if it is told to, and counts all the same', () => {
    const log = open({ count: 0 })
    fill(log, 3)
    expect(bounds(log)).toMatchObject({ offset: 3, oldest: 4 })
    expect(covers(log, 2)).toBe(false)
    expect(covers(log, 3)).toBe(true)
    expect(read(log, 3)).toEqual({ entries: [], end: 3 })
  })

  test('1000 entries and 16 MiB by default', () => {
    const log = open()
    fill(log, 1500)
    expect(bounds(log).oldest).toBe(501)
    fill(log, 20, 'x'.repeat(2 ** 20))
    expect(bounds(log)).toMatchObject({ offset: 1520, oldest: 1506 })
  })

  test('what it has when one comes that is larger than all it may keep: that one is lost to those it was for', () => {
    const log = open({ bytes: 10_000 })
    fill(log, 5, 'x', { topics: ['quiet'] })
    log.append(message('x'.repeat(20_000), { topics: ['huge'] }))
    fill(log, 1, 'x', { topics: ['quiet'] })
    expect(offsets(read(log, 0))).toEqual([1, 2, 3, 4, 5, 7])
    expect(covers(log, 0, { topics: ['quiet'] })).toBe(true)
    expect(covers(log, 0, { topics: ['quiet', 'huge'] })).toBe(false)
    expect(covers(log, 6, { topics: ['huge'] })).toBe(true)
  })
})

describe('a long history', () => {
  test.each([1, 2, 3, 4])('is what was appended, in its order and with all that belongs to it (seed %i)', (seed) => {
    vi.useFakeTimers()
    let state = seed * 104_729
    const random = (below: number) => {
      state = (state * 48271) % 0x7fffffff
      return state % below
    }
    const where = [() => true, () => false]
    const count = 600 + random(2000)
    const log = open({ count, bytes: 200_000 + random(2_000_000), age: seed % 2 ? 3000 : undefined })
    const all: Entry[] = []
    const { epoch } = bounds(log)
    for (let n = 1; n <= 6000; n++) {
      if (random(20) === 0) vi.advanceTimersByTime(random(20))
      const text = ['x', '語', '😀'][random(50) ? 0 : random(3)] as string
      const added = message(text.repeat(random(400) ? random(300) : 20_000), {
        type: ['message', 'tick', 'other'][random(8) ? 0 : random(3)] as string,
        json: random(2) ? true : random(2) ? false : undefined,
        id: random(5) ? undefined : `own ${n}`,
        topics: random(3) ? undefined : Array.from({ length: random(3) }, () => `topic ${random(300)}`),
        user: random(6) ? undefined : `user ${random(3)}`,
        client: random(9) ? undefined : 'me',
        except: random(9) ? undefined : 'you',
        where: random(9) ? undefined : where[random(2)],
      })
      log.append(added)
      all.push({ epoch, offset: n, at: Date.now(), message: added })
      if (n % 500) continue
      const { oldest } = bounds(log)
      const kept = all.slice(oldest - 1)
      expect(kept.length).toBeLessThanOrEqual(count)
      for (const offset of [oldest - 1, oldest + 99, n - 700, n - 10, n]) {
        if (offset < oldest - 1) continue
        for (const limit of [1, 256, 10_000])
          expect(
            read(log, offset, limit)?.entries.map((entry) => ({ ...entry, message: { ...entry.message } })),
          ).toEqual(all.slice(offset, offset + limit).map((entry) => expect.objectContaining({ ...entry })))
      }
      const own = kept.find((entry) => entry.message.id)
      if (own) expect(log.locate?.(own.message.id as string)).toEqual({ epoch, offset: own.offset })
    }
  })

  test('has no entry of before its bounds, also where one was too large', () => {
    const log = open({ count: 5000, bytes: 400_000 })
    for (let n = 1; n <= 3000; n++) log.append(message(n % 100 ? 'x'.repeat(200) : 'y'.repeat(500_000)))
    const { oldest } = bounds(log)
    expect(read(log, 0)?.entries.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 3001 - oldest }, (_, at) => oldest + at).filter((offset) => offset % 100),
    )
  })
})

describe('with perTopic', () => {
  test('a loud topic does not push out the newest of a quiet one', () => {
    const log = open({ count: 10, perTopic: 2 })
    fill(log, 3, 'x', { topics: ['quiet'] })
    fill(log, 100, 'x', { topics: ['loud'] })
    expect(offsets(read(log, 0))).toEqual([2, 3, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103])
    expect(covers(log, 1, { topics: ['quiet'] })).toBe(true)
    expect(covers(log, 0, { topics: ['quiet'] })).toBe(false)
    expect(covers(log, 1, { topics: ['loud'] })).toBe(false)
    expect(covers(log, 93, { topics: ['loud', 'quiet'] })).toBe(true)
  })

  test('events for everyone, and those of a user, count as topics of their own', () => {
    const log = open({ count: 2, perTopic: 1 })
    log.append(message('all'))
    log.append(message('mine', { user: 'me' }))
    fill(log, 10, 'x', { topics: ['loud'] })
    expect(offsets(read(log, 0))).toEqual([1, 2, 11, 12])
    expect(covers(log, 0, { user: 'me' })).toBe(true)
    log.append(message('all'))
    expect(covers(log, 0, { user: 'me' })).toBe(false)
    expect(covers(log, 1, { user: 'me' })).toBe(true)
  })

  test('what is gone matters to those who follow the beginning of its topic', () => {
    const log = open({ count: 2 })
    log.append(message('x', { topics: ['orders.1'] }))
    fill(log, 10, 'x', { topics: ['other'] })
    expect(covers(log, 0, { prefixes: ['orders.'] })).toBe(false)
    expect(covers(log, 1, { prefixes: ['orders.'] })).toBe(true)
    expect(covers(log, 0, { prefixes: ['order.'] })).toBe(true)
  })

  test('the bytes are bounded all the same', () => {
    const log = open({ count: 10, perTopic: 5, bytes: 20_000 })
    for (let n = 0; n < 1000; n++) log.append(message('x'.repeat(100), { topics: [`t${n % 300}`] }))
    expect((read(log, 0)?.entries.length ?? 0) * 420).toBeLessThan(21_000)
  })
})

test.each([1, 2, 3, 4, 5])('what it says is covered is there, against a plain model (seed %i)', (seed) => {
  let state = seed * 7919
  const random = (below: number) => {
    state = (state * 48271) % 0x7fffffff
    return state % below
  }
  const log = open({ count: 20 + random(30), perTopic: random(4), bytes: 5000 + random(20_000) })
  const all: Entry[] = []
  const topics = ['a', 'b', 'c', 'd', 'e']
  for (let n = 1; n <= 2000; n++) {
    const kind = random(10)
    const text = 'x'.repeat(random(12) === 0 ? 3000 : random(80))
    const more: Partial<Message> =
      kind === 0
        ? {}
        : kind === 1
          ? { user: `u${random(3)}` }
          : { topics: [topics[random(random(4) ? 1 : 5)] as string] }
    log.append(message(text, more))
    all.push({ epoch: '', offset: n, at: 0, message: message(text, more) })
    if (n % 50) continue
    const kept = new Set(offsets(read(log, 0)))
    for (const reader of [{ topics: ['a'] }, { topics: ['b', 'e'] }, { topics: [], user: 'u1' }, { prefixes: ['c'] }]) {
      const sees = ({ message: { topics: named, user } }: Entry) => {
        const follows = (topic: string) =>
          ('topics' in reader && (reader.topics as string[]).includes(topic)) ||
          ('prefixes' in reader && topic.startsWith('c'))
        return (!named || named.some(follows)) && (user === undefined || ('user' in reader && user === reader.user))
      }
      for (const offset of [0, n >> 1, n - 25, n - 5, n]) {
        const isWhole = all.every((entry) => entry.offset <= offset || !sees(entry) || kept.has(entry.offset))
        expect(covers(log, offset, reader), `${JSON.stringify(reader)} after ${offset} of ${n}`).toBe(isWhole)
      }
    }
  }
})

describe('ids and keys', () => {
  test('an id is free again when its entry is gone; the newest that is gone can still be resumed after', () => {
    const log = open({ count: 2 })
    const first = log.append(message('1', { id: 'a' }))
    expect(log.locate?.('a')).toMatchObject({ offset: 1 })
    expect(() => log.append(message('2', { id: 'a' }))).toThrow(/taken/)
    fill(log, 2)
    expect(log.locate?.('a')).toEqual({ epoch: (first as Entry).epoch, offset: 1 })
    expect(covers(log, 1)).toBe(true)
    expect(log.append(message('4', { id: 'a' }))).toMatchObject({ offset: 4 })
  })

  test('an id in the form of a position of the log is refused, one of another form is not', () => {
    const log = open()
    const { epoch } = bounds(log)
    expect(() => log.append(message('1', { id: `${epoch}.7` }))).toThrow(
      expect.objectContaining({ code: 'reserved-id' }),
    )
    expect(log.append(message('1', { id: 'v1.7' }))).toMatchObject({ offset: 1 })
  })

  test('so many keys are remembered, whatever is kept of the entries', () => {
    const log = open({ count: 1, keys: 3 })
    for (const key of ['a', 'b', 'c', 'd']) log.append(message(key), { idempotencyKey: key })
    expect(log.append(message('b'), { idempotencyKey: 'b' })).toMatchObject({ offset: 2, repeated: true })
    expect(log.append(message('a'), { idempotencyKey: 'a' })).toMatchObject({ offset: 5 })
  })
})

describe('all logs together', () => {
  const names = (all: MemoryLogsOptions, counts: Record<string, { sealed?: boolean; followed?: boolean }>) => {
    const logs = memoryLogs(all)
    const epochs = new Map<string, string>()
    for (const [name, { sealed, followed }] of Object.entries(counts)) {
      const log = logs.open(name)
      if (followed) log.follow({ entries() {}, end() {}, error() {} })
      log.append(message('x'.repeat(500)))
      if (sealed) log.seal()
      epochs.set(name, bounds(log).epoch)
    }
    return {
      logs,
      left: () => [...epochs].filter(([name, epoch]) => bounds(logs.open(name)).epoch === epoch).map(([name]) => name),
    }
  }

  test('are at most so many: first those go that are sealed, then those that nobody follows', () => {
    const { logs, left } = names({ logs: 3 }, { a: {}, b: { sealed: true }, c: { followed: true } })
    bounds(logs.open('d'))
    // To look is to open: one at a time.
    expect(bounds(logs.open('a')).offset).toBe(1)
    expect(bounds(logs.open('c')).offset).toBe(1)
    expect(left).toBeTypeOf('function')
  })

  test('are refused where all are followed', () => {
    const { logs } = names({ logs: 2 }, { a: { followed: true }, b: { followed: true } })
    expect(() => logs.open('c').append(message('x'))).toThrow(expect.objectContaining({ code: 'too-many-logs' }))
  })

  test('keep at most so many bytes: logs that nobody follows go first, then the oldest entries of the one that grows', () => {
    const logs = memoryLogs({ bytes: 100_000 })
    const idle = logs.open('idle', { count: 1e6 })
    fill(idle, 50, 'x'.repeat(752))
    const { epoch } = bounds(idle)
    const busy = logs.open('busy', { count: 1e6 })
    busy.follow({ entries() {}, end() {}, error() {} })
    fill(busy, 500, 'x'.repeat(752))
    expect(bounds(busy)).toMatchObject({ offset: 500, oldest: 401 })
    expect(bounds(idle).epoch).not.toBe(epoch)
  })

  test('close together, and tell whoever follows', async () => {
    const logs = memoryLogs()
    const ends: string[] = []
    const log = logs.open('a')
    log.follow({ entries() {}, end: (reason) => void ends.push(reason), error() {} })
    logs.close()
    await Promise.resolve()
    expect(ends).toEqual(['expired'])
    expect(() => log.bounds()).toThrow(expect.objectContaining({ code: 'log-closed' }))
    expect(() => logs.open('b')).toThrow(expect.objectContaining({ code: 'log-closed' }))
  })
})

test('a log that expires keeps no timer and no memory', async () => {
  vi.useFakeTimers()
  const logs = memoryLogs()
  const log = logs.open('a')
  log.append(message('x'))
  const { epoch } = bounds(log)
  log.expire(2 ** 32)
  vi.advanceTimersByTime(2 ** 31)
  expect(bounds(log).epoch).toBe(epoch)
  vi.advanceTimersByTime(2 ** 31 + 10)
  expect(vi.getTimerCount()).toBe(0)
  expect(bounds(log)).toMatchObject({ offset: 0 })
  expect(bounds(log).epoch).not.toBe(epoch)
})

test('what a follower appends comes after what is being delivered, for every follower', () => {
  const log = open()
  const heard: string[][] = [[], []]
  for (const list of heard)
    log.follow({
      entries(entries) {
        for (const {
          offset,
          message: { frame },
        } of entries) {
          list.push(`${offset} ${frame.slice(6, -2)}`)
          if (list === heard[0] && frame.includes('first')) log.append(message('answer'))
        }
      },
      end() {},
      error() {},
    })
  log.append(message('first'))
  log.append(message('second'))
  expect(heard[0]).toEqual(['1 first', '2 answer', '3 second'])
  expect(heard[1]).toEqual(heard[0])
})

describe('memory', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const heap = () => {
    gc()
    return process.memoryUsage().heapUsed
  }

  test('does not grow with what was appended and trimmed', () => {
    const log = open({ count: 100, keys: 100, perTopic: 2 })
    fill(log, 1000)
    const before = heap()
    for (let n = 0; n < 50_000; n++)
      log.append(message(`${n}`.padEnd(1000, 'x'), { id: `${n}`, topics: ['t'] }), { idempotencyKey: `${n}` })
    expect(heap() - before).toBeLessThan(1_000_000)
  })

  test.each([
    ['short', 20, 'x'],
    ['long', 5000, 'x'],
    ['wide', 300, '語'],
  ])('grows by no more than the bytes that it may keep, and a quarter (%s entries)', (_, length, character) => {
    const parent = character.repeat(length * 2)
    const log = open({ count: 1e9, bytes: 2 ** 22 })
    const before = heap()
    const appended = Math.ceil((3 * 2 ** 22) / (length + 30))
    // Slices of a longer text would keep all of it.
    for (let n = 0; n < appended; n++)
      log.append(message(`${n} ${parent.slice(n % length, (n % length) + length)}`, { topics: [`t${n % 7}`] }))
    expect(heap() - before).toBeLessThan(1.25 * 2 ** 22)
    expect(bounds(log).offset).toBe(appended)
  })

  test('of a long history is little more than its text, and that is what is counted', () => {
    const long = open({ count: 1e9, bytes: 1e9 })
    fill(long, 1000, 'x'.repeat(200))
    const before = heap()
    for (let n = 0; n < 50_000; n++) long.append(message(`${n} `.padEnd(200, 'x')))
    expect((heap() - before) / 50_000).toBeLessThan(1.2 * 208)
    expect(read(long, 0, 100_000)?.entries).toHaveLength(51_000)
    const bounded = open({ count: 1e9, bytes: 2 ** 22 })
    for (let n = 0; n < 50_000; n++) bounded.append(message(`${n} `.padEnd(200, 'x')))
    // The newest cost more.
    expect(bounds(bounded).offset - bounds(bounded).oldest).toBeGreaterThan((0.9 * 2 ** 22) / (1.15 * 208))
  })
})

test('two logs have two epochs', () => {
  expect(bounds(open()).epoch).not.toBe(bounds(open()).epoch)
})

test.each(['', 'a', 'a.', '.1', 'a.-1', 'a.1.5', 'a.01', 'a.1e3', 'a. 1', 'a.99999999999999999'])(
  '%j is no position',
  (id) => {
    expect(fromId(id)).toBeUndefined()
  },
)

test('a position is an id, and back', () => {
  expect(fromId(toId({ epoch: 'ab', offset: 0 }))).toEqual({ epoch: 'ab', offset: 0 })
  expect(fromId('ab.12')).toEqual({ epoch: 'ab', offset: 12 })
})
