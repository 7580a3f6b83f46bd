import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { io } from 'socket.io-client'
import { connect as connectTo } from '../../../src/index.ts'
import { type Child, startChild } from '../../helpers/child.ts'
import { ask } from '../../redis/cluster.ts'
import { startRedis } from '../../redis/server.ts'
import { median } from '../median.ts'
import type { Side, Way } from './side.ts'

// npm run bench:redis: what a log on Redis costs beside the bare loop `XADD` → `XREAD BLOCK` → `socket.write`, each in fresh
// processes, in turns; ratios are taken inside a round, and the median of the rounds is shown.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    events: { type: 'string', default: '5000' },
    blast: { type: 'string', default: '100000' },
    readers: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
})
const [ROUNDS, EVENTS, BLAST, READERS] = [values.rounds, values.events, values.blast, values.readers].map(Number) as [
  number,
  number,
  number,
  number,
]
const WAYS: Way[] = ['bare', 'ours', 'pubsub', 'socketio']
/** Events a second while the time is taken. */
const RATE = 1000

const side = (port: number, way: Way, run: string): Promise<Child<Side>> =>
  startChild<Side>(new URL('./side.ts', import.meta.url), { args: [String(port), way, run], files: READERS + 200 })

const at = (numbers: number[], share: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * share)] as number

/** A reader, which takes each message's data. */
function take(port: number, way: Way, heard: (data: string) => void): () => void {
  if (way === 'socketio') {
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] })
    socket.on('message', heard)
    return () => socket.close()
  }
  let rest = ''
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n')
  socket.on('data', (bytes) => {
    rest += bytes.toString('latin1')
    const lines = rest.split('\n')
    rest = lines.pop() as string
    for (const line of lines) if (line.startsWith('data: ')) heard(line.slice(6).trim())
  })
  return () => socket.destroy()
}

/** The times that a reader is sent, as how long they took, in milliseconds. */
function follow(port: number, way: Way = 'bare') {
  const took: number[] = []
  let count = 0
  const close = take(port, way, (data) => {
    count++
    if (/^\d{10,}$/.test(data)) took.push(Number(process.hrtime.bigint() - BigInt(data)) / 1e6)
  })
  return {
    took,
    until: async (wanted: number) => {
      while (count < wanted) await new Promise((resolve) => setTimeout(resolve, 2))
    },
    close,
  }
}

interface Figures {
  median: number
  p99: number
  /** Events that a process can follow in a second of its CPU. */
  followed: number
  /** Events that a process can publish in a second. */
  published: number
}

async function measure(port: number, way: Way, run: string): Promise<Figures> {
  const server = await side(port, way, run)
  const publisher = await side(port, way, run)
  try {
    const reader = follow(await server.call('listen'), way)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await publisher.call('pace', 300, RATE)
    await reader.until(300)
    reader.took.length = 0
    await publisher.call('pace', EVENTS, RATE)
    await reader.until(300 + EVENTS)
    const before = await server.call('cpu')
    const published = await publisher.call('blast', BLAST, 100)
    await reader.until(300 + EVENTS + BLAST)
    const followed = BLAST / ((await server.call('cpu')) - before)
    reader.close()
    return { median: at(reader.took, 0.5), p99: at(reader.took, 0.99), followed, published }
  } finally {
    await Promise.all([server.stop(), publisher.stop()])
  }
}

/** A thousand readers that come back at once, for a thousand events each. */
async function resume(port: number, way: Way, run: string) {
  const server = await side(port, way, run)
  const crowd = await side(port, 'bare', `${run}:crowd`)
  try {
    const listening = await server.call('listen')
    await server.call('blast', 1000, 200)
    const last = follow(listening)
    await new Promise((resolve) => setTimeout(resolve, 500))
    last.close()
    const id = await begin(listening)
    const [epoch] = id.split('.')
    ask(port, 'CONFIG', 'RESETSTAT')
    const took = await crowd.call('crowd', listening, READERS, `${epoch}.0`, `id: ${epoch}.1000\n`)
    const stats = ask(port, 'INFO', 'commandstats')
    const calls = (name: string): number => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
    return { took, reads: calls('xrange') / 2, scripts: calls('evalsha') + calls('eval') }
  } finally {
    await Promise.all([server.stop(), crowd.stop()])
  }
}

/** A reader that comes back. */
function stay(port: number, heard: (data: unknown) => void): () => void {
  const connection = connectTo(`http://127.0.0.1:${port}/`)
  connection.on(({ data }) => heard(data))
  return connection.close
}

/** What a reader loses of 600 events, and is given twice, when its server is killed in the middle and another one comes. */
async function lose(port: number, way: Way, run: string) {
  const publisher = await side(port, way, run)
  const server = await side(port, way, run)
  let next: Child<Side> | undefined
  try {
    const listening = await server.call('listen')
    const heard: string[] = []
    const hear = (data: unknown) => heard.push(String(data))
    const close = way === 'socketio' ? take(listening, way, hear) : stay(listening, hear)
    const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
    await sleep(500)
    const counting = publisher.call('count', 600)
    await sleep(1000)
    await server.stop()
    next = await side(port, way, run)
    await next.call('listen', listening)
    await counting
    await sleep(6000)
    close()
    const numbers = heard.filter((data) => data.startsWith('n'))
    return { lost: 600 - new Set(numbers).size, twice: numbers.length - new Set(numbers).size }
  } finally {
    await Promise.all([publisher.stop(), server.stop(), next?.stop()])
  }
}

/** Where the log is: a reader is told so at its beginning. */
function begin(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n')
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const [, id] = /^id: ([^\r\n]+)/m.exec(text) ?? []
      if (!id) return
      socket.destroy()
      resolve(id)
    })
  })
}

const redis = await startRedis()
const show = values.json ? console.error : console.log
try {
  const rounds: Record<string, Figures>[] = []
  const losses: Record<string, Awaited<ReturnType<typeof lose>>>[] = []
  const resumes: { redis: Awaited<ReturnType<typeof resume>>; memory: Awaited<ReturnType<typeof resume>> }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const all: Record<string, Figures> = {}
    for (let turn = 0; turn < WAYS.length; turn++) {
      const way = WAYS[(turn + round) % WAYS.length] as Way
      all[way] = await measure(redis.port, way, `${way}${round}`)
      ask(redis.port, 'FLUSHALL')
    }
    rounds.push(all)
    const memory = await resume(redis.port, 'memory', `m${round}`)
    resumes.push({ redis: await resume(redis.port, 'ours', `r${round}`), memory })
    ask(redis.port, 'FLUSHALL')
    if (round < 3) {
      const lost: (typeof losses)[number] = {}
      for (const way of WAYS) lost[way] = await lose(redis.port, way, `lose ${way} ${round}`)
      losses.push(lost)
    }
    show(JSON.stringify({ round, ...all, resume: resumes.at(-1), lost: losses.at(-1) }))
  }
  const ratio = (way: Way, of: keyof Figures): number =>
    median(rounds.map((round) => (round[way] as Figures)[of] / (round['bare'] as Figures)[of]))
  const figures = {
    ways: Object.fromEntries(
      WAYS.map((way) => [
        way,
        Object.fromEntries((['median', 'p99', 'followed', 'published'] as const).map((of) => [of, ratio(way, of)])),
      ]),
    ),
    bare: Object.fromEntries(
      (['median', 'p99', 'followed', 'published'] as const).map((of) => [
        of,
        median(rounds.map((round) => (round['bare'] as Figures)[of])),
      ]),
    ),
    lost: Object.fromEntries(
      WAYS.map((way) => [
        way,
        {
          lost: median(losses.map((each) => each[way]?.lost ?? 0)),
          twice: median(losses.map((each) => each[way]?.twice ?? 0)),
        },
      ]),
    ),
    resume: {
      ratio: median(resumes.map(({ redis: one, memory }) => one.took / memory.took)),
      milliseconds: median(resumes.map(({ redis: one }) => one.took)),
      reads: Math.max(...resumes.map(({ redis: one }) => one.reads)),
      scripts: Math.max(...resumes.map(({ redis: one }) => one.scripts)),
    },
  }
  if (values.json) process.stdout.write(JSON.stringify(figures))
  else {
    console.table(figures.ways)
    console.log('the bare loop:', figures.bare)
    console.log('lost of 600 events when the server is killed:', figures.lost)
    console.log(`${READERS} readers resume 1,000 events each:`, figures.resume)
  }
} finally {
  await redis.stop()
}
