import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Child, startChild } from '../../helpers/child.ts'
import type { Crowd } from '../../helpers/crowd.ts'
import { CONTENDERS, type Name } from './contender.ts'
import type { BenchServer } from './server.ts'
import { table } from './table.ts'

const HELP = `npm run bench:server -- [options]

What one event costs a server to deliver: CPU (user + system) per delivery, as a multiple of LIMIT, which writes one
prepared Buffer to raw TCP sockets. One process serves, one of raw sockets reads, on the loopback; contenders take turns
in every round, ratios are taken inside a round, and the median of the rounds is shown.

  --readers 1000            how many readers, a list: 100,1000,5000,10000
  --payload 100,1024        bytes of data per event, a list
  --burst 1,10              events published in one turn of the event loop, a list
  --only limit,naive,…      contenders (${CONTENDERS.join(', ')})
  --rounds 5
  --deliveries 30000        per cell and round
  --skip memory,stalled     parts to leave out: fanout, memory, stalled
  --full                    readers 100,1000,5000,10000; payload 100,1024,16384; takes half an hour
  --json                    the figures as JSON; the tables go to the standard error
`

const { values } = parseArgs({
  options: {
    readers: { type: 'string' },
    payload: { type: 'string' },
    burst: { type: 'string', default: '1,10' },
    only: { type: 'string', default: CONTENDERS.join(',') },
    rounds: { type: 'string', default: '5' },
    deliveries: { type: 'string', default: '30000' },
    skip: { type: 'string', default: '' },
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit()
}

/** Tables are for people; with `--json` the output is for a program. */
const show = values.json ? console.error : console.log

const numbers = (list: string) => list.split(',').map(Number)
const READERS = numbers(values.readers ?? (values.full ? '100,1000,5000,10000' : '1000'))
const PAYLOADS = numbers(values.payload ?? (values.full ? '100,1024,16384' : '100,1024'))
const BURSTS = numbers(values.burst)
const ROUNDS = Number(values.rounds)
const DELIVERIES = Number(values.deliveries)
const NAMES = values.only.split(',') as Name[]
const SKIP = values.skip.split(',')

/** A socket for each reader, and some more for the process itself. */
const files = Math.max(...READERS) + 200

interface Pair {
  server: Child<BenchServer>
  crowd: Child<Crowd>
  port: number
  control: number
}

/** Starts a server and its readers for each name; all of them end with the work, however it ends. */
async function withPairs<Answer>(names: Name[], work: (pairs: Map<Name, Pair>) => Promise<Answer>): Promise<Answer> {
  const children: Child<never>[] = []
  try {
    const pairs = new Map<Name, Pair>()
    for (const name of names) {
      const server = await startChild<BenchServer>(new URL('./server.ts', import.meta.url), { args: [name], files })
      children.push(server as Child<never>)
      const crowd = await startChild<Crowd>(new URL('../../helpers/crowd.ts', import.meta.url), { files })
      children.push(crowd as Child<never>)
      pairs.set(name, { server, crowd, ...(await server.call('listen')) })
    }
    return await work(pairs)
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

const withPair = <Answer>(name: Name, work: (pair: Pair) => Promise<Answer>): Promise<Answer> =>
  withPairs([name], (pairs) => work(pairs.get(name) as Pair))

/** Runs one cell and insists that every reader got every event, once. */
async function cell(
  { server, crowd, control }: Pair,
  readers: number,
  payload: number,
  burst: number,
  deliveries: number,
) {
  // An acknowledgement for every thousand deliveries or more, so that it costs the server next to nothing.
  const every = Math.max(1, Math.ceil(1000 / readers / burst))
  // At least eight turns: with fewer, the first and the last of them are what is measured.
  const turns = Math.ceil(Math.max(8, deliveries / readers / burst) / every) * every
  const expected = turns * burst * readers
  await crowd.call('acknowledge', { port: control, every: every * burst * readers })
  await crowd.call('reset')
  const cost = await server.call('run', { turns, burst, payload, every, ahead: every * 3 })
  const got = await crowd.call('expect', expected, 10_000)
  if (got.deliveries !== expected) throw new Error(`delivered ${got.deliveries} of ${expected}`)
  return {
    ...cost,
    deliveries: expected,
    perDelivery: (cost.user + cost.system) / expected,
    latency: await crowd.call('latency'),
  }
}

const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? Number.NaN
const round = (value: number, digits = 2) => value.toFixed(digits)

/** name → cell → what each round gave. */
type Rounds<Value> = Map<Name, Map<string, Value[]>>
function keep<Value>(rounds: Rounds<Value>, name: Name, key: string, value: Value) {
  const cells = rounds.get(name) ?? new Map<string, Value[]>()
  rounds.set(name, cells.set(key, [...(cells.get(key) ?? []), value]))
}

async function fanOut() {
  const results: Rounds<Awaited<ReturnType<typeof cell>>> = new Map()
  const cells = PAYLOADS.flatMap((payload) => BURSTS.map((burst) => ({ payload, burst })))
  const key = (readers: number, { payload, burst }: { payload: number; burst: number }) =>
    `${readers} × ${payload} B${burst > 1 ? `, ${burst} a turn` : ''}`
  for (const readers of READERS) {
    process.stderr.write(`\r${readers} readers: connecting`.padEnd(60))
    await withPairs(NAMES, async (pairs) => {
      for (const pair of pairs.values()) {
        await pair.crowd.call('connect', { port: pair.port, count: readers })
        for (const burst of [1, 10]) await cell(pair, readers, 100, burst, 20_000)
      }
      for (let r = 0; r < ROUNDS; r++) {
        for (const each of cells) {
          process.stderr.write(`\r${key(readers, each)}: round ${r + 1}`.padEnd(60))
          // Turned by one each round, so that nobody always comes after the same one.
          for (const name of NAMES.map((_, i) => NAMES[(i + r) % NAMES.length] as Name)) {
            const pair = pairs.get(name) as Pair
            keep(results, name, key(readers, each), await cell(pair, readers, each.payload, each.burst, DELIVERIES))
          }
        }
      }
    })
  }
  const keys = READERS.flatMap((readers) => cells.map((each) => key(readers, each)))
  // A burst is compared with LIMIT's cost of single events: what is asked is what coalescing saves.
  const base = (at: string) => results.get('limit')?.get(at.replace(/, \d+ a turn$/, '')) ?? []
  const ratio = (name: Name, at: string) =>
    median(
      (results.get(name)?.get(at) ?? []).map(
        (value, r) => value.perDelivery / (base(at)[r]?.perDelivery ?? Number.NaN),
      ),
    )
  show(`\n\nServer CPU per delivery, as a multiple of LIMIT (median of ${ROUNDS} rounds)`)
  show(
    table(
      ['', ...keys],
      NAMES.map((name) => [name, ...keys.map((at) => round(ratio(name, at)))]),
    ),
  )
  const of = (name: Name, at: string, pick: (value: Awaited<ReturnType<typeof cell>>) => number) =>
    median((results.get(name)?.get(at) ?? []).map(pick))
  show('\nµs of CPU per delivery · thousand deliveries a second · p50/p99 ms')
  show(
    table(
      ['', ...keys],
      NAMES.map((name) => [
        name,
        ...keys.map(
          (at) =>
            `${round(of(name, at, (v) => v.perDelivery))} · ${round(
              of(name, at, (v) => v.deliveries / v.wall),
              0,
            )} · ` +
            `${round(
              of(name, at, (v) => v.latency.p50),
              1,
            )}/${round(
              of(name, at, (v) => v.latency.p99),
              1,
            )}`,
        ),
      ]),
    ),
  )
  return Object.fromEntries(NAMES.map((name) => [name, Object.fromEntries(keys.map((at) => [at, ratio(name, at)]))]))
}

async function idleMemory() {
  const readers = Math.max(...READERS)
  const rows: Record<string, { heap: number; rss: number }> = {}
  for (const name of NAMES) {
    process.stderr.write(`\ridle memory: ${name}`.padEnd(60))
    rows[name] = await withPair(name, async ({ server, crowd, port }) => {
      // What the first connections leave behind for good (code, pools) is not a connection's price.
      await crowd.call('connect', { port, count: Math.min(500, readers) })
      await crowd.call('leave')
      const before = await server.call('memory')
      await crowd.call('connect', { port, count: readers })
      const after = await server.call('memory')
      if ((await server.call('size')) !== readers) throw new Error(`${name} lost readers`)
      return { heap: (after.heap - before.heap) / readers / 1024, rss: (after.rss - before.rss) / readers / 1024 }
    })
  }
  show(`\n\nMemory per idle connection, KiB (${readers} of them, after collecting)`)
  show(
    table(
      ['', 'heap', 'RSS'],
      NAMES.map((name) => [name, round(rows[name]?.heap ?? 0, 1), round(rows[name]?.rss ?? 0, 1)]),
    ),
  )
  return rows
}

async function stalledReaders() {
  const [readers, payload, deliveries] = [200, 16 * 1024, values.full ? 2500 : 600]
  const one = (name: Name, stalled: number) =>
    withPair(name, async (pair) => {
      const { server, crowd, port } = pair
      await crowd.call('connect', { port, count: readers - stalled })
      await cell(pair, readers - stalled, payload, 1, (readers - stalled) * 50)
      await crowd.call('connect', { port, count: stalled, stalled: true })
      await new Promise((resolve) => setTimeout(resolve, 200))
      const before = await server.call('memory')
      const { latency } = await cell(pair, readers - stalled, payload, 1, (readers - stalled) * deliveries)
      const after = await server.call('memory')
      return { growth: (after.rss - before.rss) / 2 ** 20, latency, connected: await server.call('size') }
    })
  const stalled = readers / 100
  const rows: Record<string, { perStalled: number; connected: number; without: string; with: string }> = {}
  for (const name of NAMES) {
    process.stderr.write(`\rstalled readers: ${name}`.padEnd(60))
    const [calm, stuck] = [await one(name, 0), await one(name, stalled)]
    const times = ({ latency }: typeof calm) => `${round(latency.p50, 1)}/${round(latency.p99, 1)}`
    rows[name] = {
      perStalled: (stuck.growth - Math.max(0, calm.growth)) / stalled,
      connected: stuck.connected,
      without: times(calm),
      with: times(stuck),
    }
  }
  show(
    `\n\nStalled readers: ${stalled} of ${readers} never read, ${Math.round((deliveries * payload) / 2 ** 20)} MiB offered to each`,
  )
  show(
    table(
      ['', 'RSS growth per stalled reader, MiB', 'p50/p99 ms, none stalled', 'some stalled', 'still connected'],
      NAMES.map((name) => {
        const row = rows[name]
        return [name, round(row?.perStalled ?? 0, 1), row?.without ?? '', row?.with ?? '', String(row?.connected)]
      }),
    ),
  )
  return rows
}

const start = Date.now()
show(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}`)
const report = {
  fanOut: SKIP.includes('fanout') ? undefined : await fanOut(),
  memory: SKIP.includes('memory') ? undefined : await idleMemory(),
  stalled: SKIP.includes('stalled') ? undefined : await stalledReaders(),
}
show(`\n${Math.round((Date.now() - start) / 1000)} s`)
if (values.json) console.log(JSON.stringify(report, null, 2))
