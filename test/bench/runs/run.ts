import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { type Child, startChild } from '../../helpers/child.ts'
import { ask } from '../../redis/cluster.ts'
import { startRedis } from '../../redis/server.ts'
import { median } from '../median.ts'
import type { Side, Way } from './side.ts'

// npm run bench:runs: what a run costs beside `accept` alone, in memory and on Redis, and beside the package resumable-stream
// on the same Redis; each in fresh processes, in turns. Ratios are taken inside a round, and the median of the rounds is shown.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const ROUNDS = Number(values.rounds)
const WAYS: Way[] = ['accept', 'memory', 'redis', 'resumable-stream']
/** Answers whose first token is timed, and tokens of the one whose rate is. */
const ANSWERS = 400
const TOKENS = 30_000

const side = (way: Way, port: number): Promise<Child<Side>> =>
  startChild<Side>(new URL('./side.ts', import.meta.url), { args: [way, String(port)] })

/** Asks for an answer; when its first token came and when its last did, in milliseconds. */
function askFor(port: number, id: string, count: number): Promise<{ first: number; last: number }> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET /${id} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`)
    let first = 0
    let seen = 0
    let tail = ''
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      const text = tail + bytes.toString('latin1')
      seen += text.split('data: token').length - 1
      tail = text.slice(-11).replace('data: token', '')
      if (seen && !first) first = performance.now() - began
      if (seen < count) return
      socket.destroy()
      resolve({ first, last: performance.now() - began })
    })
  })
}

interface Figures {
  first: number
  /** Tokens in a second of wall time, of one answer. */
  rate: number
  /** What Redis was asked for an answer of 100 tokens, a script counted once. */
  commands: number
}

async function measure(way: Way, port: number): Promise<Figures> {
  const server = await side(way, port)
  try {
    const listening = await server.call('listen')
    await server.call('of', 1, 0)
    for (let n = 0; n < 50; n++) await askFor(listening, `warm${n}`, 1)
    const firsts: number[] = []
    for (let n = 0; n < ANSWERS; n++) firsts.push((await askFor(listening, `first${n}`, 1)).first)
    await server.call('of', 100, 2)
    ask(port, 'CONFIG', 'RESETSTAT')
    await askFor(listening, 'counted', 100)
    const commands = countOf(ask(port, 'INFO', 'commandstats'))
    await server.call('of', TOKENS, 0)
    const { last } = await askFor(listening, 'fast', TOKENS)
    return { first: median(firsts), rate: TOKENS / (last / 1000), commands }
  } finally {
    await server.stop()
  }
}

/** Scripts, and what either asks without one. */
function countOf(stats: string): number {
  const asked = ['evalsha', 'eval', 'xread', 'publish', 'subscribe', 'unsubscribe', 'set', 'get', 'incr']
  const isScripted = /cmdstat_evalsha/.test(stats)
  return asked.reduce((sum, name) => {
    // What a script does inside is part of it.
    if (isScripted && (name === 'get' || name === 'set')) return sum
    return sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }, 0)
}

/** What a reader of the other process gets of 400 tokens when the process that makes them is killed in the middle: whether it ever hears of the end. */
async function lose(way: Way, port: number): Promise<{ ends: boolean; after: number }> {
  const [producer, other] = [await side(way, port), await side(way, port)]
  try {
    const [one, two] = [await producer.call('listen'), await other.call('listen')]
    await producer.call('of', 400, 10)
    const id = `lost-${way}`
    void askFor(one, id, 400).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const socket = connect(two, '127.0.0.1')
    socket.write(`GET /${id} HTTP/1.1\r\nHost: a\r\n\r\n`)
    socket.resume()
    const ended = new Promise<boolean>((resolve) => {
      socket.on('data', (bytes) => bytes.toString('latin1').includes('producer-lost') && resolve(true))
      socket.on('close', () => resolve(true))
      setTimeout(() => resolve(false), 40_000)
    })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await producer.stop()
    const killed = performance.now()
    const ends = await ended
    socket.destroy()
    return { ends, after: (performance.now() - killed) / 1000 }
  } finally {
    await Promise.all([producer.stop(), other.stop()])
  }
}

const redis = await startRedis()
const show = values.json ? console.error : console.log
try {
  const rounds: Record<string, Figures>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const all: Record<string, Figures> = {}
    for (let turn = 0; turn < WAYS.length; turn++) {
      const way = WAYS[(turn + round) % WAYS.length] as Way
      all[way] = await measure(way, redis.port)
      ask(redis.port, 'FLUSHALL')
    }
    rounds.push(all)
    show(JSON.stringify(all))
  }
  const of = (way: Way, what: keyof Figures) => rounds.map((round) => (round[way] as Figures)[what])
  const ratio = (way: Way, what: keyof Figures) =>
    median(rounds.map((round) => (round[way] as Figures)[what] / (round['accept'] as Figures)[what]))
  const ways = Object.fromEntries(
    WAYS.map((way) => [
      way,
      { first: ratio(way, 'first'), rate: ratio(way, 'rate'), commands: median(of(way, 'commands')) },
    ]),
  )
  const lost: Record<string, Awaited<ReturnType<typeof lose>>> = {}
  for (const way of ['redis', 'resumable-stream'] as const) lost[way] = await lose(way, redis.port)
  const crowd = await side('memory', redis.port)
  const many = await crowd.call('crowd', 10_000, 20, 5)
  await crowd.stop()
  const figures = {
    ways,
    lost,
    crowd: many,
    accept: { first: median(of('accept', 'first')), rate: median(of('accept', 'rate')) },
  }
  if (values.json) process.stdout.write(JSON.stringify(figures))
  else {
    console.table(ways)
    console.log('accept alone:', figures.accept)
    console.log('when the producer’s process is killed:', lost)
    console.log('10,000 runs at once, 20 tokens a second each: CPU per token in µs, bytes of heap per run:', many)
  }
} finally {
  await redis.stop()
}
