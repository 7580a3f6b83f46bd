import type { Entry, Follower, Following, Log, Message, Page } from './log.ts'

/** How a log of the bench is opened. */
export interface TestedOptions {
  /** How many entries each log keeps, or a few more. */
  readonly keep: number
}

/** A store of logs to be tested, and what can be done to it. */
export interface TestedLogs {
  /** Opens the log of a name. Where several processes can share it, each call is another process; else always the same. */
  open(name: string): Log | Promise<Log>
  /** Destroys what the logs hold, as a flush or a lost disk would. Left out where that cannot happen to a running log. */
  lose?(): void | Promise<void>
  /** How long a delivery may take, in milliseconds. Default: 5000. */
  patience?: number
}

/** One rule that a log has to keep. */
export interface LogCase {
  /** The rule, as a sentence. */
  readonly name: string
  /** Rejects with what is wrong. */
  run(): Promise<void>
}

/**
 * The rules of `Log` as tests for any framework: `for (const { name, run } of logCases(make)) test(name, run)`. `make` makes
 * an empty store; each case takes one, opens a few logs, and closes what it opened.
 */
export function logCases(make: (options: TestedOptions) => TestedLogs | Promise<TestedLogs>): LogCase[] {
  return Object.entries(RULES).map(([name, rule]) => ({
    name,
    async run() {
      const opened = new Set<Log>()
      const logs = await make({ keep: KEEP })
      const open = async (name = 'log'): Promise<Log> => {
        const log = await logs.open(name)
        opened.add(log)
        return log
      }
      try {
        await rule({
          open,
          hear: (log, after) => hear(log, logs.patience ?? 5000, after),
          lose: logs.lose && (async () => logs.lose?.()),
        })
      } finally {
        for (const log of opened) await log.close()
      }
    },
  }))
}

const KEEP = 20

interface Bench {
  open(name?: string): Promise<Log>
  hear(log: Log, after?: { epoch: string; offset: number }): Promise<Heard>
  lose: (() => Promise<void>) | undefined
}

interface Heard {
  readonly entries: readonly Entry[]
  readonly ends: readonly string[]
  readonly following: Following
  until(count: number): Promise<void>
  untilEnd(): Promise<void>
}

const RULES: Record<string, (bench: Bench) => Promise<void>> = {
  async 'an empty log has no newest and no oldest entry'({ open }) {
    const { epoch, offset, oldest, sealed } = await (await open()).bounds()
    same([typeof epoch, offset, oldest, sealed], ['string', 0, 1, false], 'the bounds')
    check(/^[!-~]{1,40}$/.test(epoch) && !epoch.includes('.'), `an epoch is short ASCII without a dot, not ${epoch}`)
  },

  async 'offsets are dense, and the epoch stays'({ open }) {
    const log = await open()
    const { epoch } = await log.bounds()
    for (let offset = 1; offset <= 5; offset++) {
      same(await log.append(message(offset)), { epoch, offset }, `the position of append ${offset}`, true)
    }
    same((await log.bounds()).offset, 5, 'the newest offset')
  },

  async 'an append that resolved can be read'({ open }) {
    const log = await open()
    const start = await log.bounds()
    await log.append(message(1))
    same(names(await log.read(start, 10)), ['1'], 'what is read')
  },

  async 'messages come back as they were, with the time'({ open, hear }) {
    const log = await open()
    const start = await log.bounds()
    const odd: Message = {
      frame: 'event: ö€😀\ndata: {"a":"\\n"}\ndata:  two\ndata: \n\n',
      type: 'ö€😀',
      json: true,
      topics: ['a', 'b,c', ' '],
      user: 'ü "quoted"',
      client: '0',
      except: '1',
    }
    const heard = await hear(log)
    const before = Date.now()
    await log.append(odd)
    await log.append(message(2))
    await heard.until(2)
    const plain = (entry: Entry | undefined): unknown => JSON.parse(JSON.stringify(entry?.message ?? null))
    const read = (await log.read(start, 1))?.entries[0]
    same(plain(heard.entries[0]), JSON.parse(JSON.stringify(odd)), 'the message that was delivered')
    same(plain(read), JSON.parse(JSON.stringify(odd)), 'the message that was read')
    check(Math.abs((read?.at ?? 0) - before) < 60_000, `the time of an entry is when it came, not ${read?.at}`)
    same(read?.at, heard.entries[0]?.at, 'the time that was read')
  },

  async 'delivers in order, each entry once, from the position of the following on'({ open, hear }) {
    const log = await open()
    for (let n = 1; n <= 3; n++) await log.append(message(n))
    const heard = await hear(log)
    same(heard.following.offset, 3, 'the position of the following')
    for (let n = 4; n <= 10; n++) await log.append(message(n))
    await heard.until(7)
    await calm()
    same(names(heard), ['4', '5', '6', '7', '8', '9', '10'], 'what was delivered')
    same(
      heard.entries.map(({ offset }) => offset),
      [4, 5, 6, 7, 8, 9, 10],
      'the offsets',
    )
  },

  async 'follows from a position: what came since is delivered first'({ open, hear }) {
    const log = await open()
    const start = await log.bounds()
    for (let n = 1; n <= 5; n++) await log.append(message(n))
    const heard = await hear(log, { epoch: start.epoch, offset: 2 })
    same(heard.following.offset, 2, 'the position of the following')
    await log.append(message(6))
    await heard.until(4)
    await calm()
    same(names(heard), ['3', '4', '5', '6'], 'what was delivered')
  },

  async 'says from where it follows when it cannot be from there'({ open, hear }) {
    const log = await open()
    for (let n = 1; n <= KEEP * 3; n++) await log.append(message(n))
    const { epoch, offset, oldest } = await log.bounds()
    for (const after of [
      { epoch, offset: 0 },
      { epoch: `${epoch}x`, offset: 3 },
      { epoch, offset: offset + 5 },
    ]) {
      const heard = await hear(log, after)
      same([heard.following.epoch, heard.following.offset], [epoch, oldest - 1], 'the position of the following')
      await heard.until(offset - oldest + 1)
      same(heard.entries[0]?.offset, oldest, 'the first that was delivered')
    }
  },

  async 'appends at the same time get one order, the same for everybody'({ open, hear }) {
    const [one, two] = [await open(), await open()]
    const heard = [await hear(one), await hear(two)]
    const positions = await Promise.all(range(KEEP).map(async (n) => (n % 2 ? one : two).append(message(n))))
    same(
      positions.map(({ offset }) => offset).sort((a, b) => a - b),
      range(KEEP).map((n) => n + 1),
      'the offsets that were given',
    )
    const byOffset = range(KEEP).map((n) => String(positions.findIndex(({ offset }) => offset === n + 1)))
    for (const each of heard) {
      await each.until(KEEP)
      same(names(each), byOffset, 'what was delivered')
    }
  },

  async 'reads pages, oldest first, and nothing after the newest'({ open }) {
    const log = await open()
    const start = await log.bounds()
    for (let n = 1; n <= 7; n++) await log.append(message(n))
    const page = await log.read(start, 3)
    same([names(page), page?.end], [['1', '2', '3'], 3], 'the first page')
    same(names(await log.read({ ...start, offset: 3 }, 3)), ['4', '5', '6'], 'the second page')
    same(names(await log.read({ ...start, offset: 6 }, 3)), ['7'], 'the last page')
    const none = await log.read({ ...start, offset: 7 }, 3)
    same([none?.entries, none?.end], [[], 7], 'after the newest')
  },

  async 'says so when entries are no longer there, and gives no part for the whole'({ open }) {
    const log = await open()
    for (let n = 1; n <= KEEP * 3; n++) await log.append(message(n))
    const { epoch, offset, oldest } = await log.bounds()
    same(offset, KEEP * 3, 'the newest offset')
    check(
      oldest > 1 && oldest <= KEEP * 2 + 1,
      `a log of ${KEEP} has trimmed, and keeps at least those; its oldest is ${oldest}`,
    )
    same((await log.read({ epoch, offset: oldest - 1 }, 1))?.entries[0]?.offset, oldest, 'the oldest entry')
    const anyone = { topics: [] }
    for (const gone of [oldest - 2, 0]) {
      const told = log.covers
        ? (await log.covers({ epoch, offset: gone }, anyone)) === false
        : (await log.read({ epoch, offset: gone }, 1000)) === undefined
      check(told, `what is read after ${gone} has to be told as a part: the oldest is ${oldest}`)
    }
    if (log.covers) same(await log.covers({ epoch, offset: oldest - 1 }, anyone), true, 'what is covered')
  },

  async 'knows no other epoch, and no future'({ open }) {
    const log = await open()
    await log.append(message(1))
    const { epoch } = await log.bounds()
    same(await log.read({ epoch: `${epoch}x`, offset: 0 }, 10), undefined, 'another epoch')
    same(await log.read({ epoch: `${epoch}x`, offset: 1 }, 10), undefined, 'another epoch at the same offset')
    same(await log.read({ epoch, offset: 2 }, 10), undefined, 'an offset yet to come')
  },

  async 'what was read up to the position of a following and what it delivers are the whole, without doubles'({
    open,
    hear,
  }) {
    const [writer, reader] = [await open(), await open()]
    const start = await reader.bounds()
    const written = (async () => {
      for (const n of range(KEEP)) {
        await writer.append(message(n + 1))
        await calm(1)
      }
    })()
    written.catch(() => {})
    await calm(3)
    const heard = await hear(reader)
    const before: Entry[] = []
    while (before.length < heard.following.offset - start.offset) {
      const page = await reader.read({ ...start, offset: start.offset + before.length }, 4)
      check(page !== undefined && page.entries.length > 0, 'the log has to have what came before the following')
      before.push(...(page?.entries ?? []).filter(({ offset }) => offset <= heard.following.offset))
    }
    await written
    await heard.until(KEEP - before.length)
    same(
      [...before, ...heard.entries].map(nameOf),
      range(KEEP).map((n) => String(n + 1)),
      'the whole',
    )
  },

  async 'serves several followers, each until it is closed'({ open, hear }) {
    const log = await open()
    const [first, second] = [await hear(log), await hear(log)]
    await log.append(message(1))
    await Promise.all([first.until(1), second.until(1)])
    first.following.close()
    first.following.close()
    await log.append(message(2))
    await second.until(2)
    await calm()
    same(names(first), ['1'], 'what the closed one heard')
  },

  async 'a follower that throws disturbs nobody, and is told'({ open, hear }) {
    const log = await open()
    const errors: unknown[] = []
    const following = await log.follow({
      entries() {
        throw new Error('mine')
      },
      end() {},
      error: (error) => void errors.push(error),
    })
    const heard = await hear(log)
    await log.append(message(1))
    await log.append(message(2))
    await heard.until(2)
    await calm()
    check(errors.length >= 1, 'its error has to come back to it')
    following.close()
  },

  async 'logs of different names have nothing to do with each other, however many are followed at once'({
    open,
    hear,
  }) {
    const logs = await Promise.all(range(30).map(async (n) => open(`log ${n}`)))
    const heard = await Promise.all(logs.map(async (log) => hear(log)))
    for (const n of range(3)) await Promise.all(logs.map(async (log, at) => log.append(message(at * 100 + n))))
    for (const [at, each] of heard.entries()) {
      await each.until(3)
      same(
        names(each),
        range(3).map((n) => String(at * 100 + n)),
        `what log ${at} delivered`,
      )
    }
    same(new Set(await Promise.all(logs.map(async (log) => (await log.bounds()).offset))).size, 1, 'the offsets')
  },

  async 'one that leaves while another log is read does not wait, nor disturb it'({ open, hear }) {
    const [one, two] = [await open('one'), await open('two')]
    const [first, second] = [await hear(one), await hear(two)]
    first.following.close()
    const again = await hear(one)
    await two.append(message(1))
    await one.append(message(2))
    await Promise.all([second.until(1), again.until(1)])
    same([names(first), names(again), names(second)], [[], ['2'], ['1']], 'what was delivered')
  },

  async 'the same name is the same log'({ open, hear }) {
    const [one, two] = [await open('same'), await open('same')]
    const heard = await hear(two)
    await one.append(message(1))
    await heard.until(1)
    same((await one.bounds()).epoch, (await two.bounds()).epoch, 'the epochs')
  },

  async 'a repeated append with the same key adds nothing, and says so'({ open, hear }) {
    const log = await open()
    const heard = await hear(log)
    const once = await log.append(message(1), { idempotencyKey: 'k' })
    const again = await log.append(message(9), { idempotencyKey: 'k' })
    same([again.epoch, again.offset, again.repeated], [once.epoch, once.offset, true], 'the answer to the second')
    check(!once.repeated, 'the first is not repeated')
    await log.append(message(2), { idempotencyKey: 'l' })
    await heard.until(2)
    same(names(heard), ['1', '2'], 'what was delivered')
  },

  async 'ids of the application’s own are found again, where they can be had at all'({ open }) {
    const log = await open()
    if (!log.locate) return
    const { epoch } = await log.bounds()
    await log.append({ ...message(1), id: 'a' })
    await log.append({ ...message(2), id: 'b' }, { idempotencyKey: 'k' })
    same(await log.locate('b'), { epoch, offset: 2 }, 'the position of an id', true)
    same(await log.locate('c'), undefined, 'the position of none')
    same(await outcome(() => log.append({ ...message(3), id: 'a' })), 'duplicate-id', 'an id that is taken')
    same(await outcome(() => log.append({ ...message(3), id: `${epoch}.1` })), 'reserved-id', 'the id of a position')
    same((await log.append({ ...message(3), id: 'd' }, { idempotencyKey: 'k' })).id, 'b', 'the id of what is repeated')
    same((await log.bounds()).offset, 2, 'what was refused is not there')
  },

  async 'a sealed log takes no more, tells its followers after the last entry, and can still be read'({ open, hear }) {
    const [one, two] = [await open(), await open()]
    const heard = [await hear(one), await hear(two)]
    await one.append(message(1), { idempotencyKey: 'k' })
    await one.append(message(2))
    same(await two.seal(), { offset: 2 }, 'the last position', true)
    await one.seal()
    for (const each of heard) {
      await each.untilEnd()
      same([names(each), each.ends], [['1', '2'], ['sealed']], 'what a follower was told')
    }
    same(await outcome(() => one.append(message(3))), 'log-sealed', 'an append after the seal')
    same((await one.append(message(1), { idempotencyKey: 'k' })).repeated, true, 'a repeated append after the seal')
    same((await one.bounds()).sealed, true, 'the bounds')
    const late = await hear(two, { epoch: (await two.bounds()).epoch, offset: 0 })
    await late.untilEnd()
    same([names(late), late.ends], [['1', '2'], ['sealed']], 'what a late follower was told')
  },

  async 'a log that expires ends its followers, and is another one when it is opened again'({ open, hear }) {
    const log = await open()
    await log.append(message(1))
    const before = await log.bounds()
    const heard = await hear(log)
    await log.expire(100_000)
    await calm()
    same((await log.bounds()).epoch, before.epoch, 'the epoch before its time')
    await log.expire(30)
    await heard.untilEnd()
    same(heard.ends, ['expired'], 'what the follower was told')
    const again = await open()
    const after = await again.bounds()
    check(after.epoch !== before.epoch && after.offset === 0, 'another life of the log has another epoch, and is empty')
    same(await again.read(before, 10), undefined, 'what is read after a position of the earlier life')
  },

  async 'a log that was lost has another epoch, and goes on delivering'({ open, hear, lose }) {
    if (!lose) return
    const log = await open()
    const heard = await hear(log)
    for (let n = 1; n <= 5; n++) await log.append(message(n))
    await heard.until(5)
    const before = await log.bounds()
    await lose()
    await log.append(message(6))
    await heard.until(6)
    const after = heard.entries[5]
    check(after !== undefined && after.epoch !== before.epoch, 'the epoch has to be another one')
    same(await log.read(before, 10), undefined, 'what is read after a position of the lost log')
    same((await log.bounds()).epoch, after?.epoch, 'the epoch of the bounds')
  },

  async 'rejects after it was closed, any number of times, and delivers no more'({ open, hear }) {
    const log = await open()
    const heard = await hear(log)
    const start = await log.bounds()
    await log.append(message(1))
    await heard.until(1)
    await log.close()
    await log.close()
    for (const [name, call] of Object.entries({
      append: () => log.append(message(2)),
      read: () => log.read(start, 1),
      bounds: () => log.bounds(),
      follow: () => log.follow({ entries() {}, end() {}, error() {} }),
      seal: () => log.seal(),
      expire: () => log.expire(1),
    })) {
      same(await outcome(call), 'log-closed', `${name} after close`)
    }
    await calm()
    same(heard.entries.length, 1, 'how many were delivered')
  },
}

async function outcome(call: () => unknown): Promise<string> {
  try {
    await call()
    return 'resolved'
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

function message(n: number): Message {
  return { frame: `data: ${n}\n\n`, type: 'message' }
}

function nameOf({ message: { frame } }: Entry): string {
  return frame.slice(6, -2)
}

function names(page: Page | { readonly entries: readonly Entry[] } | undefined): string[] | undefined {
  return page?.entries.map(nameOf)
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function calm(milliseconds = 30): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

async function hear(log: Log, patience: number, after?: { epoch: string; offset: number }): Promise<Heard> {
  const entries: Entry[] = []
  const ends: string[] = []
  const follower: Follower = {
    entries: (some) => void entries.push(...some),
    end: (reason) => void ends.push(reason),
    error() {},
  }
  const following = await log.follow(follower, after)
  const wait = async (isThere: () => boolean, otherwise: () => string): Promise<void> => {
    for (let waited = 0; !isThere(); waited += 5) {
      check(waited < patience, otherwise())
      await calm(5)
    }
  }
  return {
    entries,
    ends,
    following,
    until: (count) =>
      wait(
        () => entries.length >= count,
        () => `${count} deliveries were to come, ${entries.length} came: ${entries.map(nameOf)}`,
      ),
    untilEnd: () =>
      wait(
        () => ends.length > 0,
        () => `the end was to be told after ${entries.length} entries`,
      ),
  }
}

function check(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}

function same(actual: unknown, expected: unknown, what: string, onlyExpected = false): void {
  const narrow = onlyExpected
    ? Object.fromEntries(Object.keys(expected as object).map((key) => [key, Object(actual)[key]]))
    : actual
  const [a, b] = [JSON.stringify(narrow) ?? 'undefined', JSON.stringify(expected) ?? 'undefined']
  check(a === b, `${what}: ${a}, not ${b}`)
}
