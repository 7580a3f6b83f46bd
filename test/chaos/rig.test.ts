import { beforeAll, describe, expect, it } from 'vitest'
import { createParser } from '../../src/protocol/parser.ts'
import { buildSoak, type Soak } from './child.ts'
import { faultOf } from './faults.ts'
import { Ledger } from './ledger.ts'
import { eventAt, frameAt, type Ids, type LogEvent } from './log.ts'
import { createRandom, pick, whole } from './random.ts'
import type { Judged } from './run.ts'
import { PLACES, type Place, Scanner } from './scan.ts'
import { slope } from './statistics.ts'

const SEED = 20_260_101

describe('the log', () => {
  it.each<Ids>(['plain', 'utf8', 'wild'])('reads back as the events that it is made of, with %s ids', (ids) => {
    const events: LogEvent[] = []
    const parser = createParser({ onEvent: (event) => events.push(event) })
    for (let n = 1; n <= 2_000; n++) parser.push(frameAt(n, ids))
    expect(events).toEqual(Array.from({ length: 2_000 }, (_, index) => eventAt(index + 1, ids)))
  })

  it('holds every line end, characters of every length, events of many lines and of 4 to 12 KB', () => {
    const frames = Array.from({ length: 1_000 }, (_, index) => frameAt(index + 1, 'utf8'))
    const all = frames.join('')
    for (const needed of [/[^\r]\n/, /\r\n/, /\r[^\n]/, /[\x80-\u07ff]/, /日/u, /😀/u, /data.*[\r\n]+data/]) {
      expect(all).toMatch(needed)
    }
    const sizes = frames.map((frame) => Buffer.byteLength(frame)).sort((a, b) => b - a)
    expect(sizes[0]).toBeGreaterThan(8_000)
    expect(sizes[9]).toBeGreaterThan(4_000)
  })

  it('has the id first in even events and last in odd ones', () => {
    expect(frameAt(2, 'plain')).toMatch(/^id: ?2[\r\n]/)
    expect(frameAt(3, 'plain')).toMatch(/[\r\n]id: ?3[\r\n]+$/)
  })
})

describe('the scanner', () => {
  const events = 40
  const wire = answer(createRandom('wire', SEED))

  it.each(PLACES)('stops at the same byte wherever TCP cuts, aiming at %s', (place) => {
    for (let after = 0; after < 20; after++) {
      const wholly = new Scanner().find(wire.bytes, { place, after })
      const scanner = new Scanner()
      const byByte = wire.bytes.findIndex(
        (_, at) => scanner.find(wire.bytes.subarray(at, at + 1), { place, after }) === 0,
      )
      expect(wholly).toBeGreaterThanOrEqual(0)
      expect(byByte).toBe(wholly)
    }
  })

  const beside = (at: number) => [wire.bytes[at - 1], wire.bytes[at]] as [number, number]
  const means: Partial<Record<Place, (at: number) => void>> = {
    head: (at) => expect(at).toBeLessThan(wire.head),
    'chunk-size': (at) => expect(wire.bytes.subarray(at - 1, at + 4).toString()).toMatch(/^[0-9a-f]+\r?/),
    'chunk-end': (at) => expect(beside(at)).toEqual([13, 10]),
    character: (at) => expect(beside(at)[1] & 0xc0).toBe(0x80),
    crlf: (at) => expect([wire.before(at).at(-1), beside(at)[1]]).toEqual([13, 10]),
    'after-id': (at) => expect(wire.before(at).toString()).toMatch(/[\r\n]id: ?\d[^\r\n]*(\r\n|\r|\n)$/),
    // One more blank line dispatches exactly one more event.
    'before-blank': (at) => expect(count(`${wire.before(at)}\r\r`) - count(wire.before(at))).toBe(1),
    border: (at) => expect(count(`${wire.before(at)}\r\r`)).toBe(count(wire.before(at))),
  }
  it.each(Object.entries(means))('means what it says by %s', (place, check) => {
    for (let after = 1; after < 20; after++) check(new Scanner().find(wire.bytes, { place: place as Place, after }))
  })

  it('knows where an answer ends', () => {
    const scanner = new Scanner()
    scanner.find(wire.bytes.subarray(0, -1), undefined)
    expect(scanner.done).toBe(false)
    scanner.find(wire.bytes.subarray(-1), undefined)
    expect(scanner.done).toBe(true)
  })

  function count(text: string | Buffer): number {
    let seen = 0
    createParser({ onEvent: () => seen++ }).push(text)
    return seen
  }

  /** A chunked answer, and what of the event stream lies before each of its bytes. */
  function answer(random: () => number) {
    const text = Buffer.from(Array.from({ length: events }, (_, index) => frameAt(index + 1, 'utf8')).join(''))
    const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
    const parts = [head]
    const offsets = Array.from(head, () => 0)
    for (let at = 0; at < text.length; ) {
      const chunk = text.subarray(at, at + pick(random, [1, 3, 17, 90, whole(random, 1, 900)]))
      const size = Buffer.from(`${chunk.length.toString(16)}\r\n`)
      parts.push(size, chunk, Buffer.from('\r\n'))
      offsets.push(...Array.from(size, () => at), ...Array.from(chunk, (_, index) => at + index), at + chunk.length)
      offsets.push(at + chunk.length)
      at += chunk.length
    }
    const bytes = Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
    return { bytes, head: head.length, before: (at: number) => text.subarray(0, offsets[at]) }
  }
})

describe('the ledger', () => {
  const judged = (...numbers: number[]) => {
    const ledger = new Ledger('utf8')
    for (const n of numbers) ledger.take(eventAt(n, 'utf8'))
    return ledger.verdict
  }
  const nothing = { events: 0, lost: 0, doubled: 0, late: 0, corrupt: 0, alien: 0 }

  it('finds nothing wrong with the whole log in order', () => {
    expect(judged(1, 2, 3, 4)).toEqual({ ...nothing, events: 4 })
  })

  it('tells what is lost, doubled and out of order apart', () => {
    expect(judged(1, 2, 4)).toMatchObject({ lost: 1, doubled: 0, late: 0 })
    expect(judged(1, 2, 2, 3)).toMatchObject({ lost: 0, doubled: 1, late: 0 })
    expect(judged(1, 3, 2, 4)).toMatchObject({ lost: 0, doubled: 0, late: 1 })
  })

  it('sees one wrong character in data, type or id, and events that are none of the log', () => {
    const right = eventAt(1, 'utf8')
    const verdicts = [
      { ...right, data: `${right.data}x` },
      { ...right, type: 'other' },
      { ...right, id: '01' },
      { ...right, data: 'nothing of ours' },
    ].map((event) => {
      const ledger = new Ledger('utf8')
      ledger.take(event)
      return ledger.verdict
    })
    expect(verdicts.map(({ corrupt, alien }) => [corrupt, alien])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 1],
    ])
  })
})

describe('the plan', () => {
  const plan = (seed: number) => Array.from({ length: 200 }, (_, attempt) => faultOf('storm', seed, 0, attempt))

  it('is the same for the same seed, and another for another', () => {
    expect(plan(SEED)).toEqual(plan(SEED))
    expect(plan(SEED)).not.toEqual(plan(SEED + 1))
  })
})

describe('the slope', () => {
  it('follows the trend and not one late collection', () => {
    const points = Array.from({ length: 20 }, (_, x) => [x * 10, x * 10 * 7 + (x === 13 ? 1e6 : 0)] as const)
    expect(slope(points)).toBeCloseTo(7)
  })
})

// A test that cannot fail proves nothing: these clients are known, and so is what must be seen of each.
describe('the rig', () => {
  let soak: (options: Soak) => Promise<Judged>
  beforeAll(async () => {
    soak = await buildSoak()
  })

  it('finds nothing wrong with a client that is right: eventsource 5', async () => {
    const { broken, cuts, places } = await soak({ peer: 'eventsource', scenario: 'cuts', cuts: 200, seed: SEED })
    expect(broken).toEqual([])
    expect(cuts).toBeGreaterThanOrEqual(200)
    expect(Object.keys(places).sort()).toEqual([...PLACES].sort())
  })

  it('sees the events that fetch-event-source 2 loses by taking an id before its event is whole', async () => {
    const options: Soak = { peer: 'fetch-event-source', scenario: 'cuts', cuts: 200, seed: SEED }
    const { lost, broken } = await soak(options)
    expect(lost).toBeGreaterThan(10)
    expect(broken).toContain(`lost: ${lost}`)
  })

  it('sees each event that a server repeats and a client passes on', async () => {
    const { doubled, lost } = await soak({ peer: 'eventsource', scenario: 'again', cuts: 40, seed: SEED })
    expect(doubled).toBeGreaterThan(50)
    expect(lost).toBe(0)
  })

  it('sees a client that waits for ever on a dead link', async () => {
    const options: Soak = {
      peer: 'eventsource',
      scenario: 'half-open',
      cuts: 4,
      seed: SEED,
      clients: 1,
      patience: 1_500,
    }
    const { stuck, noticed } = await soak(options)
    expect(stuck).toHaveLength(1)
    expect(noticed.count).toBe(0)
  })

  it.each([
    ['leaking-timers', 'timers left: 60'],
    ['leaking-sockets', 'sockets left: 60'],
    ['leaking-rejections', 'unhandled: Error: nobody listens'],
  ] as const)('sees a client that is right but %s', async (peer, complaint) => {
    const { broken, lost } = await soak({ peer, scenario: 'cuts', cuts: 60, seed: SEED })
    expect(lost).toBe(0)
    expect(broken.join('\n')).toContain(complaint)
  })

  it('sees a client that keeps 4 KB for each cut', async () => {
    const { broken } = await soak({ peer: 'leaking-memory', scenario: 'cuts', cuts: 1_000, seed: SEED, clients: 8 })
    expect(broken.join('\n')).toMatch(/memory grows: [3-9]\d{3} bytes/)
  })
})
