import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen, shut } from '../helpers/listen.ts'
import { plainParse } from '../helpers/plain-parser.ts'
import { bytes } from './arbitraries.ts'
import { type Departure, departures, readWith, type Seen } from './departures.ts'
import { conformance, recorded } from './fixtures.ts'
import { type Peer, peers } from './peers.ts'
import { record } from './record.ts'

// The parsers in use see what ours sees. Where one of them sees something else, its list in peers.ts says by which
// departures from which clauses; a list that lacks one or holds one too many fails here.

const cases = [...conformance(), ...recorded()].filter(({ options }) => options === undefined)

const byteByByte = (body: Uint8Array) => Array.from(body, (byte) => Uint8Array.of(byte))

/** The part that this peer tells, as text. */
function told({ events, retry, lastEventId }: Seen, tells: Peer['tells']): string {
  return JSON.stringify({
    events: events.map(({ type, data, id }) => (tells.includes('id') ? { type, data, id } : { type, data })),
    ...(tells.includes('retry') ? { retry: String(retry) } : {}),
    ...(tells.includes('lastEventId') ? { lastEventId } : {}),
  })
}

/** The names of the cases of which the peer made something else than these departures say. */
function unexplained(results: readonly Seen[], tells: Peer['tells'], departing: readonly Departure[]): string[] {
  return cases
    .filter(({ bytes }, at) => told(results[at] as Seen, tells) !== told(readWith(bytes, departing), tells))
    .map(({ name }) => name)
}

function ours(body: Uint8Array): Seen {
  const calls = record([body])
  return {
    events: calls.flatMap((call) => (call[0] === 'event' ? [call[1]] : [])),
    retry: calls.flatMap((call) => (call[0] === 'retry' ? [call[1]] : [])).at(-1),
    lastEventId: calls.flatMap((call) => (call[0] === 'id' ? [call[1]] : [])).at(-1) ?? '',
  }
}

test('without departures the model is the standard, and so are we', () => {
  const everything: Peer['tells'] = ['id', 'retry', 'lastEventId']
  const results = cases.map(({ bytes }) => ours(bytes))
  expect(unexplained(results, everything, [])).toEqual([])
  fc.assert(
    fc.property(bytes, (body) => {
      const events = plainParse(body).flatMap((call) => (call[0] === 'event' ? [call[1]] : []))
      expect(readWith(body, []).events).toEqual(events)
      expect(ours(body).events).toEqual(events)
    }),
  )
})

test("every departure is some peer's, and names its clause", () => {
  const used = new Set([...peers.flatMap(({ departs }) => departs), ...node.departs])
  expect(Object.keys(departures).filter((departure) => !used.has(departure as Departure))).toEqual([])
  expect(Object.values(departures).filter(({ clause }) => !clause.startsWith('§9.2.'))).toEqual([])
})

describe.each(peers)('$name', ({ tells, departs, read }) => {
  let whole: Seen[]
  beforeAll(async () => {
    whole = await Promise.all(cases.map(({ bytes }) => read([bytes])))
  })

  test('differs from us in these ways and no others', () => {
    expect(unexplained(whole, tells, departs)).toEqual([])
  })

  test('does not differ otherwise when it gets the bytes one by one', async () => {
    const results = await Promise.all(cases.map(({ bytes }) => read(byteByByte(bytes))))
    expect(unexplained(results, tells, departs)).toEqual([])
  })

  test.each(departs)('still departs: %s', (departure) => {
    const without = departs.filter((other) => other !== departure)
    expect(unexplained(whole, tells, without), departures[departure].clause).not.toEqual([])
  })

  test('on random bytes, too', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        expect(told(await read([body]), tells)).toBe(told(readWith(body, departs), tells))
      }),
      { numRuns: 300 },
    )
  })
})

/** Node's own, as of the undici in Node 20. */
const node = { tells: ['id'], departs: ['emptyNameKept', 'emptyIdIgnored'] } satisfies Omit<Peer, 'name' | 'read'>

describe("Node's --experimental-eventsource", () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(cases[Number(request.url?.slice(1))]?.bytes)
  })
  let results: Seen[]

  beforeAll(async () => {
    const url = `http://127.0.0.1:${await listen(server)}`
    const script = fileURLToPath(new URL('node-eventsource.js', import.meta.url))
    const child = spawn(
      process.execPath,
      ['--no-warnings', '--experimental-eventsource', script, url, `${cases.length}`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 30_000,
      },
    )
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    await new Promise((done) => child.on('close', done))
    results = JSON.parse(output).map((events: Seen['events']) => ({ events }))
  }, 40_000)

  afterAll(() => shut(server))

  // Nodes with another undici may have mended some of it, but must not bring anything new.
  const { undici = '' } = process.versions
  const measured = undici.startsWith('6.')

  test('differs from us in these ways and no others', () => {
    expect(results).toHaveLength(cases.length)
    const ways = measured ? [node.departs] : subsets(node.departs)
    const left = ways.map((departing) => unexplained(results, node.tells, departing))
    expect(left.find(({ length }) => length === 0) ?? left).toEqual([])
  })

  test.runIf(measured).each(node.departs)('still departs: %s', (departure) => {
    const without = node.departs.filter((other) => other !== departure)
    expect(unexplained(results, node.tells, without), departures[departure].clause).not.toEqual([])
  })

  function subsets(list: readonly Departure[]): Departure[][] {
    return list.reduce<Departure[][]>((all, one) => all.concat(all.map((some) => some.concat(one))), [[]])
  }
})
