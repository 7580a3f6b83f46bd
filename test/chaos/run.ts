import { getEventListeners } from 'node:events'
import { faultOf, type Scenario } from './faults.ts'
import { startHub } from './hub.ts'
import { Ledger, type Verdict } from './ledger.ts'
import { startOrigin } from './origin.ts'
import type { Peer } from './peers.ts'
import { type FaultyProxy, LAG, startProxy } from './proxy.ts'
import { type Spread, slope, spread } from './statistics.ts'

export interface RunOptions {
  peer: Peer
  scenario: Scenario
  /** Connections to take away, over all clients. */
  cuts: number
  seed: number
  /** Clients at a time, each with a log and a proxy of its own. */
  clients: number
  /** The server's `retry`, in milliseconds. */
  retry: number
  /** Milliseconds without a new event after which the run is given up as stuck. */
  patience: number
}

/** What a run saw. */
export interface Outcome extends Verdict {
  seed: number
  cuts: number
  attempts: number
  places: Record<string, number>
  milliseconds: number
  /** Clients that stopped getting on, each with the last thing known of it. */
  stuck: string[]
  /** The first wrong event of each client. */
  firstFaults: string[]
  /** Resumes after an id that the log never had. */
  badIds: number
  /** Requests before `Retry-After`, or sooner after the last answer than `retry`. */
  early: number
  /** Requests while another one of the same client was being answered. */
  doubleAttempts: number
  unhandled: string[]
  warnings: string[]
  /** The most there was at a time, looked at every ten milliseconds. */
  most: { sockets: number; answers: number; timers: number; listeners: number }
  /** Still there a second after the clients were closed. */
  left: { sockets: number; answers: number; timers: number; listeners: number }
  /** Waits between attempts, and the time to notice a dead link, in milliseconds. */
  waits: Spread
  noticed: Spread
  /** What each cut adds to the heap, measured after collections over the second half of the run. */
  bytesPerCut: number
}

interface Room {
  path: string
  proxy: FaultyProxy
  ledger: Ledger
  /** The number of the log's last event, once the cuts are done. */
  last: number
  /** When it last got on. */
  at: number
  next: number
  signal: AbortSignal
  stop: () => void
}

const SAMPLES = 40
/** How long what was closed may take to be gone, in milliseconds. */
const GRACE = 1_000

/** What `soak.ts` prints about a run: what was seen, and each promise that was broken. */
export interface Judged extends Outcome {
  broken: string[]
}

/** Runs clients against the origin through their proxies until all cuts are done and the rest of the log has arrived. */
export async function run(options: RunOptions): Promise<Outcome> {
  const { peer, clients } = options
  const unhandled: string[] = []
  const warnings: string[] = []
  const onUnhandled = (error: unknown) =>
    unhandled.push(String((error as Error | undefined)?.stack ?? error).slice(0, 600))
  const onWarning = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`)
  process.on('unhandledRejection', onUnhandled)
  process.on('uncaughtException', onUnhandled)
  process.on('warning', onWarning)
  const timersBefore = timers()
  const began = performance.now()

  const start = peer.ids === 'own' ? startHub : startOrigin
  const rooms: Room[] = []
  const read = (path: string) => (rooms.find((room) => room.path === path)?.ledger.next ?? 1) - 1
  const origin = await start({ ids: peer.ids, retry: options.retry, read })
  for (let client = 0; client < clients; client++) {
    const path = `/${client}`
    const ledger = new Ledger(peer.ids)
    const share = Math.ceil(options.cuts / clients)
    const proxy = await startProxy(origin.port, path, (attempt, waited = Infinity) => {
      // Each body begins with the `retry`, so whoever delivered an event was told it.
      if (ledger.next > 1 && waited < options.retry - LAG) proxy.watch.early++
      if (proxy.watch.cuts < share) return faultOf(options.scenario, options.seed, client, attempt)
      // The first quiet attempt fixes how much must arrive: what was sent so far, and a little more.
      if (room.last === 0) {
        room.last = origin.sent(path) + 20
        origin.endLog(path, room.last)
      }
      return { kind: 'none', wish: { seed: `${options.seed}/${client}/quiet` } }
    })
    const { signal } = new AbortController()
    const room: Room = { path, proxy, ledger, last: 0, at: began, next: 1, signal, stop: () => undefined }
    rooms.push(room)
    room.stop = peer.start(proxy.url, { client, signal, after: origin.start, event: (event) => ledger.take(event) })
  }

  const total = (read: (proxy: FaultyProxy) => number) => rooms.reduce((sum, { proxy }) => sum + read(proxy), 0)
  const cuts = () => total((proxy) => proxy.watch.cuts)
  const now = () => ({
    sockets: total((proxy) => proxy.sockets()),
    answers: origin.live(),
    timers: timers() - timersBefore,
    listeners: rooms.reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0),
  })
  const most = now()
  const stuck: string[] = []
  const heap: [cut: number, bytes: number][] = []
  while (stuck.length === 0 && !rooms.every(({ last, ledger }) => last > 0 && ledger.next > last)) {
    await sleep(10)
    for (const [what, count] of Object.entries(now()))
      most[what as keyof typeof most] = Math.max(most[what as keyof typeof most], count)
    if (cuts() >= ((heap.length + 1) * options.cuts) / SAMPLES) heap.push([cuts(), await heapAfterCollection()])
    for (const room of rooms) {
      if (room.ledger.next !== room.next || (room.last > 0 && room.ledger.next > room.last)) {
        room.next = room.ledger.next
        room.at = performance.now()
      } else if (performance.now() - room.at > options.patience)
        stuck.push(`${room.path} waits for event ${room.next} since attempt ${room.proxy.watch.attempts - 1}`)
    }
  }
  // An event delivered twice would come now.
  await sleep(100)
  const noticed = rooms.flatMap(({ proxy }) => proxy.watch.noticed)
  for (const { stop } of rooms) stop()
  for (let left = GRACE / 10; left > 0 && (now().sockets > 0 || now().answers > 0); left--) await sleep(10)
  const left = now()
  for (const { proxy } of rooms) await proxy.close()
  await origin.close()
  await sleep(50)
  left.timers = timers() - timersBefore
  process.off('unhandledRejection', onUnhandled)
  process.off('uncaughtException', onUnhandled)
  process.off('warning', onWarning)

  const verdict: Verdict = { events: 0, lost: 0, doubled: 0, late: 0, corrupt: 0, alien: 0 }
  const places: Record<string, number> = {}
  for (const { ledger, proxy } of rooms) {
    for (const key of Object.keys(verdict) as (keyof Verdict)[]) verdict[key] += ledger.verdict[key]
    for (const [place, count] of Object.entries(proxy.watch.places)) places[place] = (places[place] ?? 0) + count
  }
  const waits = rooms.flatMap(({ proxy }) => proxy.watch.waits)
  return {
    ...verdict,
    seed: options.seed,
    cuts: cuts(),
    attempts: total((proxy) => proxy.watch.attempts),
    places,
    milliseconds: Math.round(performance.now() - began),
    stuck,
    firstFaults: rooms.flatMap(({ ledger }) => ledger.firstFault ?? []),
    badIds: origin.badIds(),
    early: total((proxy) => proxy.watch.early),
    doubleAttempts: total((proxy) => proxy.watch.double),
    unhandled,
    warnings,
    most,
    left,
    waits: spread(waits),
    noticed: spread(noticed),
    bytesPerCut: Math.round(slope(heap.slice(heap.length >> 1))),
  }
}

async function heapAfterCollection(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  // Until there is no less, with a turn of the loop between: what a finalizer lets go is collected the next time.
  for (let left = 6; left > 0; left--) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
    const { heapUsed, external } = process.memoryUsage()
    if (heapUsed + external > least - 4096) break
    least = heapUsed + external
  }
  return least
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
