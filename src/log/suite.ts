import type { Backplane, Entry, Message, Position } from './log.ts'

/** A log to be tested, and what can be done to it. */
export interface TestedLog {
  /** A backplane on the log. Where several processes can share one, each call is another process; else always the same. */
  connect(): Backplane | Promise<Backplane>
  /** Destroys what the log holds, as a flush or a lost disk would. Left out where that cannot happen to a running backplane. */
  lose?(): void | Promise<void>
  /** How long a delivery may take, in milliseconds. Default: 5000. */
  patience?: number
}

/** One rule that a backplane has to keep. */
export interface BackplaneCase {
  /** The rule, as a sentence. */
  readonly name: string
  /** Rejects with what is wrong. */
  run(): Promise<void>
}

/**
 * The rules of `Backplane` as tests for any framework:
 * `for (const { name, run } of backplaneCases(open)) test(name, run)`. `open` makes an empty log that keeps `keep`
 * messages; each case takes one, connects at most three times, and closes what it connected.
 */
export function backplaneCases(
  open: (options: { readonly keep: number }) => TestedLog | Promise<TestedLog>,
): BackplaneCase[] {
  return Object.entries(RULES).map(([name, rule]) => ({
    name,
    async run() {
      const connected = new Set<Backplane>()
      const log = await open({ keep: KEEP })
      const connect = async (): Promise<Backplane> => {
        const backplane = await log.connect()
        connected.add(backplane)
        return backplane
      }
      try {
        await rule({
          connect,
          listen: (backplane) => listen(backplane, log.patience ?? 5000),
          lose: log.lose && (async () => log.lose?.()),
        })
      } finally {
        for (const backplane of connected) await backplane.close()
      }
    },
  }))
}

const KEEP = 20

interface Bench {
  connect(): Promise<Backplane>
  listen(backplane: Backplane): Promise<Heard>
  lose: (() => Promise<void>) | undefined
}

interface Heard {
  readonly entries: readonly Entry[]
  readonly subscription: Position & { close(): void }
  until(count: number): Promise<void>
}

const RULES: Record<string, (bench: Bench) => Promise<void>> = {
  async 'an empty log has no newest and no oldest entry'({ connect }) {
    const { epoch, offset, oldest } = await (await connect()).bounds()
    same([typeof epoch, offset, oldest], ['string', 0, 1], 'the bounds')
    check(/^[!-~]{1,40}$/.test(epoch) && !epoch.includes('.'), `an epoch is short ASCII without a dot, not ${epoch}`)
  },

  async 'offsets are dense, and the epoch stays'({ connect }) {
    const backplane = await connect()
    const { epoch } = await backplane.bounds()
    for (let offset = 1; offset <= 5; offset++) {
      same(await backplane.publish(message(offset), {}), { epoch, offset }, `the position of publish ${offset}`, true)
    }
    same((await backplane.bounds()).offset, 5, 'the newest offset')
  },

  async 'a publish that resolved can be read'({ connect }) {
    const backplane = await connect()
    const start = await backplane.bounds()
    await backplane.publish(message(1), {})
    same(names(await backplane.read(start, 10)), ['1'], 'what is read')
  },

  async 'messages come back as they were'({ connect, listen }) {
    const backplane = await connect()
    const start = await backplane.bounds()
    const odd: Message = {
      frame: 'event: ö€😀\ndata: {"a":"\\n"}\ndata:  two\ndata: \n\n',
      type: 'ö€😀',
      json: true,
      topics: ['a', 'b,c', ''],
      user: 'ü "quoted"',
      client: '0',
    }
    const heard = await listen(backplane)
    await backplane.publish(odd, {})
    await backplane.publish(message(2), {})
    await heard.until(2)
    const plain = (entry: Entry | undefined): unknown => JSON.parse(JSON.stringify(entry?.message ?? null))
    same(plain(heard.entries[0]), plain({ ...start, message: odd }), 'the message that was delivered')
    same(plain((await backplane.read(start, 1))?.[0]), plain({ ...start, message: odd }), 'the message that was read')
  },

  async 'delivers in order, each entry once, from the position of the subscription on'({ connect, listen }) {
    const backplane = await connect()
    for (let n = 1; n <= 3; n++) await backplane.publish(message(n), {})
    const heard = await listen(backplane)
    same(heard.subscription.offset, 3, 'the position of the subscription')
    for (let n = 4; n <= 10; n++) await backplane.publish(message(n), {})
    await heard.until(7)
    await calm()
    same(names(heard.entries), ['4', '5', '6', '7', '8', '9', '10'], 'what was delivered')
    same(
      heard.entries.map(({ offset }) => offset),
      [4, 5, 6, 7, 8, 9, 10],
      'the offsets',
    )
  },

  async 'publishes at the same time get one order, the same for everybody'({ connect, listen }) {
    const [one, two] = [await connect(), await connect()]
    const heard = [await listen(one), await listen(two)]
    const positions = await Promise.all(range(100).map((n) => (n % 2 ? one : two).publish(message(n), {})))
    same(
      positions.map(({ offset }) => offset).sort((a, b) => a - b),
      range(100).map((n) => n + 1),
      'the offsets that were given',
    )
    const byOffset = range(100).map((n) => String(positions.findIndex(({ offset }) => offset === n + 1)))
    for (const each of heard) {
      await each.until(100)
      same(names(each.entries), byOffset, 'what was delivered')
    }
  },

  async 'reads pages, oldest first, and nothing after the newest'({ connect }) {
    const backplane = await connect()
    const start = await backplane.bounds()
    for (let n = 1; n <= 7; n++) await backplane.publish(message(n), {})
    same(names(await backplane.read(start, 3)), ['1', '2', '3'], 'the first page')
    same(names(await backplane.read({ ...start, offset: 3 }, 3)), ['4', '5', '6'], 'the second page')
    same(names(await backplane.read({ ...start, offset: 6 }, 3)), ['7'], 'the last page')
    same(await backplane.read({ ...start, offset: 7 }, 3), [], 'after the newest')
  },

  async 'says so when entries are no longer there, and gives no part for the whole'({ connect }) {
    const backplane = await connect()
    for (let n = 1; n <= KEEP * 3; n++) await backplane.publish(message(n), {})
    const { epoch, offset, oldest } = await backplane.bounds()
    same(offset, KEEP * 3, 'the newest offset')
    check(
      oldest > 1 && oldest <= KEEP * 2 + 1,
      `a log of ${KEEP} has trimmed, and keeps at least those; its oldest is ${oldest}`,
    )
    same((await backplane.read({ epoch, offset: oldest - 1 }, 1))?.[0]?.offset, oldest, 'the oldest entry')
    same(await backplane.read({ epoch, offset: oldest - 2 }, 1000), undefined, 'what is read before the oldest')
    same(await backplane.read({ epoch, offset: 0 }, 1000), undefined, 'what is read from the beginning')
  },

  async 'knows no other epoch, and no future'({ connect }) {
    const backplane = await connect()
    await backplane.publish(message(1), {})
    const { epoch } = await backplane.bounds()
    same(await backplane.read({ epoch: `${epoch}x`, offset: 0 }, 10), undefined, 'another epoch')
    same(await backplane.read({ epoch: `${epoch}x`, offset: 1 }, 10), undefined, 'another epoch at the same offset')
    same(await backplane.read({ epoch, offset: 2 }, 10), undefined, 'an offset yet to come')
  },

  async 'what was read up to the position of a subscription and what it delivers are the whole, without doubles'({
    connect,
    listen,
  }) {
    const [writer, reader] = [await connect(), await connect()]
    const start = await reader.bounds()
    const written = (async () => {
      for (const n of range(KEEP)) {
        await writer.publish(message(n + 1), {})
        await calm(1)
      }
    })()
    written.catch(() => {})
    await calm(3)
    const heard = await listen(reader)
    const before: Entry[] = []
    while (before.length < heard.subscription.offset - start.offset) {
      const page = await reader.read({ ...start, offset: start.offset + before.length }, 4)
      check(page !== undefined && page.length > 0, 'the log has to have what came before the subscription')
      before.push(...(page ?? []).filter(({ offset }) => offset <= heard.subscription.offset))
    }
    await written
    await heard.until(KEEP - before.length)
    same(
      names([...before, ...heard.entries]),
      range(KEEP).map((n) => String(n + 1)),
      'the whole',
    )
  },

  async 'serves several subscriptions, each until it is closed'({ connect, listen }) {
    const backplane = await connect()
    const [first, second] = [await listen(backplane), await listen(backplane)]
    await backplane.publish(message(1), {})
    await Promise.all([first.until(1), second.until(1)])
    first.subscription.close()
    first.subscription.close()
    await backplane.publish(message(2), {})
    await second.until(2)
    await calm()
    same(names(first.entries), ['1'], 'what the closed one heard')
  },

  async 'a repeated publish with the same key adds nothing'({ connect, listen }) {
    const backplane = await connect()
    const heard = await listen(backplane)
    const once = await backplane.publish(message(1), { idempotencyKey: 'k' })
    const again = await backplane.publish(message(1), { idempotencyKey: 'k' })
    same(again, once, 'the position of the second', true)
    await backplane.publish(message(2), { idempotencyKey: 'l' })
    await heard.until(2)
    same(names(heard.entries), ['1', '2'], 'what was delivered')
  },

  async 'a log that was lost has another epoch, and goes on delivering'({ connect, listen, lose }) {
    if (!lose) return
    const backplane = await connect()
    const heard = await listen(backplane)
    for (let n = 1; n <= 5; n++) await backplane.publish(message(n), {})
    await heard.until(5)
    const before = await backplane.bounds()
    await lose()
    await backplane.publish(message(6), {})
    await heard.until(6)
    const after = heard.entries[5]
    check(after !== undefined && after.epoch !== before.epoch, 'the epoch has to be another one')
    same(await backplane.read(before, 10), undefined, 'what is read after a position of the lost log')
    same((await backplane.bounds()).epoch, after?.epoch, 'the epoch of the bounds')
  },

  async 'rejects after it was closed, any number of times, and delivers no more'({ connect, listen }) {
    const backplane = await connect()
    const heard = await listen(backplane)
    const start = await backplane.bounds()
    await backplane.publish(message(1), {})
    await heard.until(1)
    await backplane.close()
    await backplane.close()
    for (const [name, call] of Object.entries({
      publish: () => backplane.publish(message(2), {}),
      read: () => backplane.read(start, 1),
      bounds: () => backplane.bounds(),
      subscribe: () =>
        backplane.subscribe(
          () => {},
          () => {},
        ),
    })) {
      const outcome = await (async () => call())().then(
        () => 'resolved',
        () => 'rejected',
      )
      same(outcome, 'rejected', `${name} after close`)
    }
    await calm()
    same(heard.entries.length, 1, 'how many were delivered')
  },
}

function message(n: number): Message {
  return { frame: `data: ${n}\n\n`, type: 'message' }
}

function names(entries: readonly Entry[] | undefined): string[] | undefined {
  return entries?.map(({ message: { frame } }) => frame.slice(6, -2))
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function calm(milliseconds = 30): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

async function listen(backplane: Backplane, patience: number): Promise<Heard> {
  const entries: Entry[] = []
  const subscription = await backplane.subscribe(
    (entry) => void entries.push(entry),
    () => {},
  )
  return {
    entries,
    subscription,
    async until(count) {
      for (let waited = 0; entries.length < count; waited += 5) {
        check(waited < patience, `${count} deliveries were to come, ${entries.length} came: ${names(entries)}`)
        await calm(5)
      }
    },
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
