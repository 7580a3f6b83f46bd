import { expect, test } from 'vitest'
import { readPlaces, signOf } from '../../../src/server/hub/places.ts'
import { createHub, type Entry, type Gap, type Hub, type HubOptions, type Position } from '../../../src/server/index.ts'
import { until } from '../serve.ts'
import { Truth } from './model.ts'
import { webReader } from './web-reader.ts'
import { pick, type Random, randomOf, type World, worldOf } from './worlds.ts'

// Readers of several logs that leave and return at any moment, at any hub, while logs are trimmed, late and lost: each is held
// against all that the logs ever had. `UNMISSED_FUZZ=600` goes on for ten minutes, and `UNMISSED_SEED` begins with a seed.

const SECONDS = Number(process.env['UNMISSED_FUZZ'] ?? 5)
const FIRST = Number(process.env['UNMISSED_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
const LOGS = 4
const TOPICS = Array.from({ length: 12 }, (_, n) => `topic ${n}`)

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** One reader through all of its connections: where it is in each log, by what it was shown. */
class Judge {
  readonly #truths: readonly Truth[]
  readonly #sign: string
  readonly #topics: readonly string[]
  readonly #places = new Map<number, number>()
  readonly #told: string[] = []
  events = 0
  gaps = 0

  constructor(truths: readonly Truth[], sign: string, topics: readonly string[], id: string) {
    this.#truths = truths
    this.#sign = sign
    this.#topics = topics
    for (const [index, place] of this.#read(id)) this.#places.set(index, this.#numberOf(index, place))
  }

  event(data: string, id: string): void {
    const shown = this.#move(id, (entry) => entry.message.frame.includes(`data: ${data}\n`))
    if (shown !== 1) throw new Error(`${data.slice(0, 10)} is shown ${shown} times: ${id}`)
    this.events++
  }

  place(id: string): void {
    this.#move(id, () => false)
  }

  /** Only one log may have lost something of its own, unless it was dropped on the way. */
  gap({ reason, newest }: Gap): void {
    this.#told.push(`gap ${reason} ${newest}`)
    const places = [...this.#read(newest)].map(([index, place]) => [index, this.#numberOf(index, place)] as const)
    const losers = places.filter(
      ([index, to]) => this.#between(index, this.#places.get(index) as number, to).length > 0,
    )
    if (reason !== 'slow' && losers.length > 1) throw new Error(`a gap in ${losers.length} logs: ${newest}`)
    for (const [index, to] of places) {
      if (to < (this.#places.get(index) as number))
        throw new Error(`a gap back to ${to} in ${index}: ${this.#told.join(', ')}`)
      this.#places.set(index, to)
    }
    this.gaps++
  }

  get isUpToDate(): boolean {
    return [...this.#places].every(
      ([index, place]) => this.#between(index, place, this.#truth(index).last).length === 0,
    )
  }

  /** Nothing of its own may be between where it is and there, but what it is shown; which must be there. */
  #move(id: string, isShown: (entry: Entry) => boolean): number {
    this.#told.push(id)
    if (this.#told.length > 6) this.#told.shift()
    let shown = 0
    for (const [index, place] of this.#read(id)) {
      const [from, to] = [this.#places.get(index) as number, this.#numberOf(index, place)]
      if (to < from) throw new Error(`back from ${from} to ${to} in ${index}: ${id}`)
      const passed = this.#between(index, from, to)
      shown += passed.filter(isShown).length
      const missed = passed.filter((entry) => !isShown(entry))
      if (missed.length > 0) throw new Error(`${missed.length} missed in ${index}, from ${from} to ${to}: ${id}`)
      this.#places.set(index, to)
    }
    return shown
  }

  #between(index: number, from: number, to: number): Entry[] {
    return this.#truth(index)
      .entries.slice(from + 1, to + 1)
      .filter(
        (entry) => entry && (!entry.message.topics || entry.message.topics.some((one) => this.#topics.includes(one))),
      )
  }

  #numberOf(index: number, place: Position): number {
    const number = this.#truth(index).numberOf(place)
    if (number === undefined) throw new Error(`a life that never was: ${place.epoch}`)
    return number
  }

  #truth(index: number): Truth {
    return this.#truths[index] as Truth
  }

  #read(id: string): Map<number, Position> {
    const places = readPlaces(this.#sign, id)
    if (!places) throw new Error(`no id of these logs: ${id}`)
    return places
  }
}

interface Round {
  readonly hubs: readonly Hub[]
  readonly truths: readonly Truth[]
  readonly sign: string
  readonly random: Random
  readonly isOver: () => boolean
}

async function reader({ hubs, truths, sign, random, isOver }: Round): Promise<Judge> {
  const topics = TOPICS.filter(() => random() < 0.3)
  let judge: Judge | undefined
  let id = ''
  while (!isOver() || !judge?.isUpToDate) {
    if (isOver()) await pause(20)
    const connected = await webReader(pick(random, hubs), { lastEventId: id, subscription: { topics } })
    expect(connected.status).toBe(200)
    // One that was cut off before it had an id comes for the first time again.
    if (!judge || id === '') judge = new Judge(truths, sign, topics, connected.begins as string)
    if (random() < 0.3) connected.pause()
    const leaves = performance.now() + random() * 60
    while (performance.now() < leaves && !connected.ended) await pause(random() * 15)
    if (random() < 0.5) connected.resume()
    if (isOver()) await pause(50)
    await connected.cut()
    for (const event of connected.events) {
      if (event.type === 'gap') judge.gap(JSON.parse(event.data))
      else judge.event(event.data, event.id)
    }
    if (connected.id && connected.id !== id) judge.place(connected.id)
    id = connected.id
  }
  return judge
}

async function publisher({ hubs, random }: Round, from: number): Promise<void> {
  for (let n = from; n < from + 150; n++) {
    const audience = pick(random, [
      undefined,
      { topic: pick(random, TOPICS) },
      { topic: pick(random, TOPICS) },
      { topics: [pick(random, TOPICS), pick(random, TOPICS)] },
    ])
    const published = pick(random, hubs).publish({ data: `<${n}> ${'p'.repeat(random() ** 3 * 2000)}` }, audience)
    if (random() < 0.5) await published
    if (random() < 0.15) await pause(random() * 10)
  }
}

async function round(seed: number): Promise<{ events: number; gaps: number }> {
  const random = randomOf(seed)
  let isOver = false
  const worlds: World[] = Array.from({ length: LOGS }, () => worldOf(random, () => false))
  const truths = worlds.map(({ epoch, watch }) => {
    const truth = new Truth()
    truth.begin(epoch)
    watch({
      entries: (entries) => {
        for (const entry of entries) truth.add(entry)
      },
    })
    return truth
  })
  const logs = worlds.map(({ log }, index) => ({ ...log, name: `log ${index}` }))
  const errors: unknown[] = []
  const options: HubOptions = {
    log: logs,
    slow: pick(random, ['disconnect', 'drop-oldest', 'drop-newest']),
    maxQueued: pick(random, [4000, 20_000, 2 ** 20]),
    heartbeat: pick(random, [0, 20]),
    onError: (error) => errors.push(error),
  }
  const hubs = [createHub(options), createHub(options)]
  const world: Round = { hubs, truths, sign: signOf(logs.map(({ name }) => name)), random, isOver: () => isOver }
  const readers = Promise.all(Array.from({ length: 8 }, () => reader(world)))
  readers.catch(() => {})
  await Promise.race([until(() => hubs.reduce((sum, { size }) => sum + size, 0) > 4), readers])
  const publishing = Promise.all([publisher(world, 1000), publisher(world, 2000)])
  if (random() < 0.4) {
    await pause(30 + random() * 60)
    const lost = Math.trunc(random() * LOGS)
    if (worlds[lost]?.kind !== 'local') truths[lost]?.begin((worlds[lost] as World).lose())
  }
  await Promise.race([publishing, readers])
  isOver = true
  const judges = await Promise.race([
    readers,
    pause(15_000).then(() => {
      throw new Error('somebody never got to the end')
    }),
  ])
  for (const hub of hubs) await hub.close({ within: 0 })
  expect(errors).toEqual([])
  const sum = (what: 'events' | 'gaps') => judges.reduce((total, judge) => total + judge[what], 0)
  return { events: sum('events'), gaps: sum('gaps') }
}

test(
  `each reader of several logs is shown what it must be in each, whatever happens, for ${SECONDS} s`,
  async () => {
    const end = performance.now() + SECONDS * 1000
    const total = { rounds: 0, events: 0, gaps: 0 }
    for (let seed = FIRST; performance.now() < end; seed++) {
      try {
        const { events, gaps } = await round(seed)
        total.rounds++
        total.events += events
        total.gaps += gaps
      } catch (error) {
        throw new Error(`seed ${seed}: ${error}`, { cause: error })
      }
    }
    if (process.env['UNMISSED_FUZZ']) console.log(total)
    // Else it proves nothing.
    expect(total.events).toBeGreaterThan(100 * total.rounds)
    expect(total.gaps).toBeGreaterThan(0)
  },
  (SECONDS + 60) * 1000,
)
