import { expect, test } from 'vitest'
import type { ServerSentEvent } from '../../../src/protocol/event.ts'
import { createParser } from '../../../src/protocol/parser.ts'
import {
  createHub,
  type Hub,
  type HubOptions,
  type PublishedEvent,
  type SlowPolicy,
  type Subscriber,
} from '../../../src/server/index.ts'
import { until } from '../serve.ts'
import { Judge, type Payload, Truth, type Who } from './model.ts'
import { pick, type Random, randomOf, Trouble, worldOf } from './worlds.ts'

// Readers that resume, stall and leave at any moment, while everybody publishes, hooks and all: each is held against a plain
// model of what it must be shown. `UNMISSED_FUZZ=600` goes on for ten minutes; a failure names its seed, which
// `UNMISSED_SEED` begins with.

const SECONDS = Number(process.env['UNMISSED_FUZZ'] ?? 8)
const FIRST = Number(process.env['UNMISSED_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const POLICIES: readonly SlowPolicy[] = [
  'disconnect',
  'drop-oldest',
  'drop-newest',
  { latest: ({ data }: PublishedEvent) => (data as Payload).key || undefined },
]
const TOPICS = ['a', 'b', 'c']
const USERS = ['ann', 'ben']

interface Round {
  /** Of the same log: each connection may be another one's. */
  readonly hubs: readonly Hub[]
  readonly truth: Truth
  readonly random: Random
  readonly slow: SlowPolicy
  readonly snapshots: boolean
  readonly isOver: () => boolean
}

/** A body that is over, cut off or not. */
const OVER = { done: true, value: undefined }

/** One reader through all of its connections. */
async function reader(world: Round, number: number): Promise<Judge> {
  const { hubs, truth, random } = world
  const remainder = Math.trunc(random() * 4)
  const who: Who = {
    topics: TOPICS.filter(() => random() < 0.5),
    user: pick(random, [...USERS, undefined]),
    client: `reader ${number}`,
    passes: remainder === 0 ? (n) => n % 3 > 0 : () => true,
  }
  const subscription = {
    topics: who.topics,
    user: who.user,
    client: who.client,
    ...(remainder === 0 && { filter: ({ data }: PublishedEvent) => who.passes((data as Payload).n) }),
  }
  let judge: Judge | undefined
  let id = ''
  let own = 0
  let isAway = false
  while (!world.isOver() || !judge?.isUpToDate) {
    // One that was cut off before it had an id comes for the first time again.
    if (id === '') judge = undefined
    else if (!isAway) judge?.resume(id)
    isAway = true
    const headers = id ? { 'last-event-id': id } : undefined
    const hub = pick(random, hubs)
    const response = await hub.fetch(new Request('http://a/', headers ? { headers } : {}), subscription)
    // The log was in trouble.
    if (response.status === 503) {
      await pause(random() * 10)
      continue
    }
    expect(response.status).toBe(200)
    isAway = false
    const begins = response.headers.get('last-event-id') as string
    judge ??= new Judge(
      truth,
      who,
      { latest: typeof world.slow === 'object', snapshots: world.snapshots },
      truth.offset(begins) as number,
    )
    const current: Judge = judge
    const body = (response.body as ReadableStream<Uint8Array>).getReader()
    const parser = createParser({
      lastEventId: id,
      onEvent: (event: ServerSentEvent) => current.see(event),
      onId: (next, hasEvent) => {
        id = next
        if (!hasEvent) current.placed(next)
      },
    })
    const [subscriber] = hub.subscribers({ client: who.client }) as Iterable<Subscriber>
    const leaves = performance.now() + random() * 60
    for (;;) {
      if (random() < 0.2) await pause(random() * 15)
      if (random() < 0.02) hub.disconnect({ client: who.client }, { now: random() < 0.5 })
      if (random() < 0.1) subscriber?.send({ type: 'own', data: `${++own}` }).catch(() => {})
      if (world.isOver() ? current.isUpToDate : performance.now() > leaves) break
      // A chunk that comes when we have long left is lost, as it is to a client.
      const { done, value } = await Promise.race([body.read().catch(() => OVER), pause(200).then(() => OVER)])
      if (done || !value) break
      parser.push(value)
    }
    await body.cancel().catch(() => {})
  }
  return judge
}

/** Publishes to anybody, at any pace. */
async function publisher({ hubs, random }: Round, counter: { n: number }, count: number): Promise<void> {
  for (let times = 0; times < count; times++) {
    const n = counter.n++
    const payload: Payload = { n, key: pick(random, ['', '', 'x', 'y', 'z']), pad: 'p'.repeat(random() ** 3 * 2000) }
    const audience = pick(random, [
      undefined,
      'everyone' as const,
      { topic: pick(random, TOPICS) },
      { topics: [pick(random, TOPICS), pick(random, TOPICS)] },
      { user: pick(random, USERS) },
      { client: `reader ${Math.trunc(random() * 8)}` },
      { topic: pick(random, TOPICS), except: `reader ${Math.trunc(random() * 8)}` },
    ])
    const published = pick(random, hubs).publish({ ...(random() < 0.1 && { id: `own ${n}` }), data: payload }, audience)
    if (random() < 0.5) await published.catch(() => {})
    if (random() < 0.1) await pause(random() * 8)
  }
}

async function round(seed: number, said: string[]): Promise<{ events: number; gaps: number }> {
  const random = randomOf(seed)
  let isOver = false
  const { log, kind, described, watch, lose, epoch } = worldOf(random, () => !isOver)
  const truth = new Truth()
  truth.begin(epoch)
  watch({
    entries: (entries) => {
      for (const entry of entries) truth.add(entry)
    },
  })
  const errors: unknown[] = []
  const counter = { n: 1 }
  const slow = pick(random, POLICIES)
  const snapshots = random() < 0.7
  const hubs: Hub[] = []
  const note = { n: 1, key: '', pad: '' }
  const tell = (audience?: { topic: string }) => {
    if (!isOver) void pick(random, hubs).publish({ data: { ...note, n: counter.n++ } }, audience)
  }
  const options: HubOptions = {
    log,
    slow,
    maxQueued: pick(random, [2000, 8000, 2 ** 20]),
    heartbeat: pick(random, [0, 20]),
    onConnect: async () => {
      tell({ topic: 'a' })
      if (random() < 0.3) await pause(random() * 10)
    },
    onDisconnect: () => tell(),
    ...(snapshots && {
      onGap: async (_, subscriber) => {
        tell()
        if (random() < 0.5) await pause(random() * 50)
        // What it is told is the state of now, which is at least that of the gap's end.
        await subscriber.send({ type: 'snapshot', data: `${truth.last}` })
      },
    }),
    onPublish: (_, { data }) => {
      if ((data as Payload).n % 50 === 0) tell()
    },
    onError: (error) => errors.push(error),
  }
  const count = pick(random, [1, 2])
  const loses = kind !== 'local' && random() < 0.3
  const { maxQueued, heartbeat } = options
  said.push(JSON.stringify({ kind, described, count, loses, slow, snapshots, maxQueued, heartbeat }))
  for (let n = 0; n < count; n++) hubs.push(createHub(options))
  const world: Round = { hubs, truth, random, slow, snapshots, isOver: () => isOver }
  const readers = Promise.all(Array.from({ length: 8 }, (_, number) => reader(world, number)))
  readers.catch(() => {})
  /** What a reader finds wrong ends the round at once. */
  const meanwhile = <Value>(work: Promise<Value>) => Promise.race([work, readers.then(() => work)])
  await meanwhile(until(() => hubs.reduce((sum, { size }) => sum + size, 0) > 4))
  const publishers = [publisher(world, counter, 120), publisher(world, counter, 120)]
  if (loses) {
    await meanwhile(pause(30 + random() * 60))
    truth.begin(lose())
  }
  await meanwhile(Promise.all(publishers))
  isOver = true
  // Nothing is told to the log any more, and it is in no trouble: what there is now, each has to be shown.
  for (const hub of hubs) await hub.publish({ data: note })
  const judges = await Promise.race([
    readers,
    pause(15_000).then(() => {
      const states = hubs.flatMap((hub) =>
        [...hub.subscribers()].map(({ id, state, queued }) => `${id} is ${state}, ${queued} bytes wait`),
      )
      throw new Error(`somebody never got to ${truth.last}: ${states.join('; ')}`)
    }),
  ])
  for (const hub of hubs) await hub.close({ within: 0 })
  expect(errors.filter((error) => !isExpected(error))).toEqual([])
  const sum = (what: 'events' | 'gaps') => judges.reduce((total, judge) => total + judge[what], 0)
  return { events: sum('events'), gaps: sum('gaps') }
}

/** What `onError` is told of here: the log's trouble, and a snapshot for somebody who has left. */
function isExpected(error: unknown): boolean {
  return error instanceof Trouble || (error as { code?: string }).code === 'connection-closed'
}

test(
  `each reader is shown what it must be, whatever happens, for ${SECONDS} s`,
  async () => {
    const end = performance.now() + SECONDS * 1000
    const total = { rounds: 0, events: 0, gaps: 0 }
    for (let seed = FIRST; performance.now() < end; seed++) {
      const said: string[] = []
      try {
        const { events, gaps } = await round(seed, said)
        total.rounds++
        total.events += events
        total.gaps += gaps
      } catch (error) {
        throw new Error(`seed ${seed}, ${said}: ${error}`, { cause: error })
      }
    }
    expect(total.rounds).toBeGreaterThan(0)
    if (process.env['UNMISSED_FUZZ']) console.log(total)
    // Else it proves nothing.
    expect(total.events).toBeGreaterThan(100 * total.rounds)
    expect(total.gaps).toBeGreaterThan(0)
  },
  (SECONDS + 60) * 1000,
)
