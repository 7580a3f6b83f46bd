import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { type Connection, connect } from '../../src/index.ts'
import { createHub } from '../../src/server/index.ts'
import { shared } from '../../src/share/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { Locks } from '../helpers/locks.ts'
import { until } from '../helpers/until.ts'
import { pick, type Random, randomOf } from '../server/hub/worlds.ts'

// Members that come with and without an id, leave, pause, come back, want a new attempt and lose their lock, at random, while
// the server cuts the connection: each must hear every event from where it began, once and in order, and there is one
// connection in the end. `UNMISSED_FUZZ=600` goes on for ten minutes, and `UNMISSED_SEED` begins with a seed.

const SECONDS = Number(process.env['UNMISSED_FUZZ'] ?? 5)
const FIRST = Number(process.env['UNMISSED_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
const MEMBERS = 8

interface Member {
  readonly connection: Connection
  readonly heard: number[]
  /** The number that has to come first; nothing where that depends on when it came. */
  readonly first: number | undefined
  readonly gaps: unknown[]
}

async function takeSlowly({ connection, heard }: Member, random: Random) {
  for await (const { data } of connection.iterate('message')) {
    heard.push(Number(data))
    if (random() < 0.5) await sleep(random() * 5)
  }
}

async function play(seed: number) {
  const random = randomOf(seed)
  const locks = new Locks()
  vi.stubGlobal('navigator', { locks })
  const hub = createHub({ history: 100_000 })
  const sockets = new Set<Socket>()
  // Some servers tell who comes everything, others what comes from then on.
  const isWhole = random() < 0.5
  const server = createServer((request, response) => void hub.handle(request, response, isWhole ? { since: 0 } : {}))
  server.on('connection', (socket) => sockets.add(socket))
  const url = `http://127.0.0.1:${await listen(server)}/`
  const ids: string[] = []
  let members: Member[] = []
  const all: Member[] = []

  const open = () => {
    const at = random() < 0.3 && ids.length > 0 ? Math.trunc(random() * ids.length) : undefined
    const whole = isWhole && at === undefined && random() < 0.2
    const isSlow = random() < 0.25
    const connection = connect(url, {
      lastEventId: at === undefined ? undefined : ids[at],
      retry: { base: 5, max: 20 },
      highWaterMark: 4,
      onGap: (gap) => member.gaps.push(gap),
      // One that is slow is told what is too much, so it may have all of it.
      share: shared(`fuzz ${seed}`, { heartbeat: 100, whole, maxEvents: isSlow || random() < 0.5 ? 1000 : 20 }),
    })
    const first = whole ? 0 : at === undefined ? undefined : at + 1
    const member: Member = { connection, heard: [], first, gaps: [] }
    if (isSlow) void takeSlowly(member, random)
    else connection.on('message', ({ data }) => member.heard.push(Number(data)))
    members.push(member)
    all.push(member)
  }
  const steal = async () => {
    const [held] = (await locks.query()).held
    const stay = random() * 20
    if (held) await locks.request(held.name, { steal: true }, () => sleep(stay)).catch(() => {})
  }
  const acts: (() => unknown)[] = [
    () => members.length < MEMBERS && open(),
    () => {
      const gone = pick(random, members)
      gone?.connection.close()
      members = members.filter((member) => member !== gone)
    },
    () => pick(random, members)?.connection.pause(),
    () => {
      for (const { connection } of members) if (random() < 0.6) connection.unpause()
    },
    () => pick(random, members)?.connection.reconnect(),
    () => {
      for (const socket of sockets) if (random() < 0.5) socket.destroy()
      sockets.clear()
    },
    steal,
  ]
  open()
  await members[0]?.connection.opened
  for (let step = 0; step < 120; step++) {
    for (let n = Math.trunc(random() * 6); n > 0; n--) {
      const { id } = await hub.publish({ data: String(ids.length) })
      ids.push(id)
    }
    if (random() < 0.5) pick(random, acts)?.()
    if (random() < 0.7) await sleep(random() * 12)
  }
  for (const { connection } of members) connection.unpause()
  if (members.length === 0) open()
  await Promise.all(members.map(({ connection }) => connection.opened))
  const last = String(ids.length)
  ids.push((await hub.publish({ data: last })).id)
  await until(() => members.every(({ heard }) => heard.at(-1) === Number(last))).catch(() => {})
  const story = `UNMISSED_SEED=${seed}`
  for (const { heard, first, gaps } of all) {
    const from = first ?? heard[0] ?? 0
    const wrong = heard.findIndex((number, n) => number !== from + n)
    const around = { expected: from + wrong, heard: heard.slice(Math.max(0, wrong - 3), wrong + 5) }
    expect(wrong === -1 ? undefined : around, story).toBe(undefined)
    expect(gaps, story).toEqual([])
  }
  for (const { heard, connection } of members) {
    expect([heard.at(-1), connection.state], story).toEqual([Number(last), 'open'])
  }
  await until(() => hub.size === 1, 2000).catch(() => {})
  expect(hub.size, story).toBe(1)
  for (const { connection } of all) connection.close()
  await hub.close({ within: 0 })
  await shut(server)
  vi.unstubAllGlobals()
  return ids.length
}

test(
  'each member hears all from where it began, once and in order, whatever the others do',
  async () => {
    let events = 0
    let rounds = 0
    for (const end = performance.now() + SECONDS * 1000; performance.now() < end; rounds++)
      events += await play(FIRST + rounds)
    expect(events).toBeGreaterThan(100 * rounds)
  },
  SECONDS * 1000 + 30_000,
)
