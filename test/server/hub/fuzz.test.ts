import { expect, test } from 'vitest'
import type { ServerSentEvent } from '../../../src/protocol/event.ts'
import { createParser } from '../../../src/protocol/parser.ts'
import {
  createHub,
  type Hub,
  type HubOptions,
  type Log,
  type PublishedEvent,
  type SlowPolicy,
  type Subscriber,
} from '../../../src/server/index.ts'
import { lateLog, memoryLog, remoteLog } from '../logs.ts'
import { until } from '../serve.ts'
import { Judge, type Payload, Truth, type Who } from './model.ts'

// Readers that resume, stall and leave at any moment, while everybody publishes, hooks and all: each is held against a plain
// model of what it must be shown. `UNMISSED_FUZZ=600` goes on for ten minutes; a failure names its seed, which
// `UNMISSED_SEED` begins with.

const SECONDS = Number(process.env['UNMISSED_FUZZ'] ?? 8)
const FIRST = Number(process.env['UNMISSED_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))

type Random = () => number

function randomOf(seed: number): Random {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 2 ** 31
  }
}

const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.trunc(random() * values.length)] as Value
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const POLICIES: readonly SlowPolicy[] = [
  'disconnect',
  'drop-oldest',
  'drop-newest',
  { latest: ({ data }: PublishedEvent) => (data as Payload).key || undefined },
]
const TOPICS = ['a', 'b', 'c']
const USERS = ['ann', 'ben']

interface World {
  readonly hub: Hub
  readonly truth: Truth
  readonly random: Random
  readonly slow: SlowPolicy
  readonly snapshots: boolean
  readonly errors: unknown[]
  readonly isOver: () => boolean
}

/** A body that is over, cut off or not. */
const OVER = { done: true, value: undefined }

/** One reader through all of its connections. */
async function reader(world: World, number: number): Promise<Judge> {
  const { hub, truth, random } = world
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
  while (!world.isOver() || !judge?.isUpToDate) {
    // One that was cut off before it had an id comes for the first time again.
    if (id === '') judge = undefined
    else judge?.resume(id)
    const headers = id ? { 'last-event-id': id } : undefined
    const response = await hub.fetch(new Request('http://a/', headers ? { headers } : {}), subscription)
    expect(response.status).toBe(200)
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
async function publisher({ hub, random }: World, counter: { n: number }, count: number): Promise<void> {
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
    const published = hub.publish({ ...(random() < 0.1 && { id: `own ${n}` }), data: payload }, audience)
    if (random() < 0.5) await published
    if (random() < 0.1) await pause(random() * 8)
  }
}

function logOf(random: Random): { log: Log; memory: Log; kind: string; count: number } {
  const count = pick(random, [10, 50, 400])
  const memory = memoryLog({ count })
  const locate = (id: string) => memory.locate?.(id)
  return pick(random, [
    { log: memory, memory, kind: 'local', count },
    { log: remoteLog(memory, { locate }), memory, kind: 'remote', count },
    { log: { ...lateLog(memory, random), locate }, memory, kind: 'late', count },
  ])
}

async function round(seed: number, said: string[]): Promise<{ events: number; gaps: number }> {
  const random = randomOf(seed)
  const { log, memory, kind, count } = logOf(random)
  const truth = new Truth()
  await memory.follow({
    entries: (entries) => {
      for (const entry of entries) truth.add(entry)
    },
    end() {},
    error() {},
  })
  const errors: unknown[] = []
  const counter = { n: 1 }
  const slow = pick(random, POLICIES)
  const snapshots = random() < 0.7
  const tell = (hub: Hub, audience?: { topic: string }) => {
    if (!isOver) void hub.publish({ data: { n: counter.n++, key: '', pad: '' } }, audience)
  }
  const options: HubOptions = {
    log,
    slow,
    maxQueued: pick(random, [2000, 8000, 2 ** 20]),
    heartbeat: pick(random, [0, 20]),
    onConnect: async () => {
      tell(hub, { topic: 'a' })
      if (random() < 0.3) await pause(random() * 10)
    },
    onDisconnect: () => tell(hub),
    ...(snapshots && {
      onGap: async (_, subscriber) => {
        tell(hub)
        if (random() < 0.5) await pause(random() * 50)
        // What it is told is the state of now, which is at least that of the gap's end.
        await subscriber.send({ type: 'snapshot', data: `${truth.last}` })
      },
    }),
    onPublish: (_, { data }) => {
      if ((data as Payload).n % 50 === 0) tell(hub)
    },
    onError: (error) => errors.push(error),
  }
  said.push(
    JSON.stringify({ kind, count, slow, snapshots, maxQueued: options.maxQueued, heartbeat: options.heartbeat }),
  )
  const hub: Hub = createHub(options)
  let isOver = false
  const world: World = { hub, truth, random, slow, snapshots, errors, isOver: () => isOver }
  const readers = Array.from({ length: 8 }, (_, number) => reader(world, number))
  const failed = Promise.all(readers)
  failed.catch(() => {})
  await Promise.race([until(() => hub.size > 4), failed])
  await Promise.race([Promise.all([publisher(world, counter, 120), publisher(world, counter, 120)]), failed])
  await hub.publish({ data: { n: 1, key: '', pad: '' } })
  isOver = true
  // Nothing is told to the log any more: what there is now, each has to be shown.
  await hub.publish({ data: { n: 1, key: '', pad: '' } })
  const judges = await Promise.race([
    failed,
    pause(15_000).then(() => {
      const states = [...hub.subscribers()].map(({ id, state, queued }) => `${id} is ${state}, ${queued} bytes wait`)
      throw new Error(`somebody never got to ${truth.last}: ${states.join('; ')}`)
    }),
  ])
  await hub.close({ within: 0 })
  const strange = errors.filter((error) => !/connection is over|ended/.test(`${error}`))
  expect(strange).toEqual([])
  const sum = (what: 'events' | 'gaps') => judges.reduce((total, judge) => total + judge[what], 0)
  return { events: sum('events'), gaps: sum('gaps') }
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
