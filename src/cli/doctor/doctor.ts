import { connect } from 'node:tls'
import { isSafe } from '../../client/redirect.ts'
import { count, type Values } from '../args.ts'
import { asked } from '../asked.ts'
import { UsageError } from '../usage.ts'
import { line } from '../visible.ts'
import {
  type Finding,
  judgeCors,
  judgeFlow,
  judgeHead,
  judgeProtocol,
  judgeResume,
  judgeSilence,
  judgeText,
  type Preflight,
} from './findings.ts'
import { type Asked, answer, type Visit, visit } from './visit.ts'

const MARKS = { good: '✓', hint: '!', bad: '✗' }

/** How long it listens where nobody says, in seconds. */
const WAIT = 10

/** `unmissed doctor <url>`: looks at an endpoint as an expert would, and says what to change. Answers with the exit code. */
export async function doctor(word: string | undefined, values: Values): Promise<number> {
  if (word === undefined) throw new UsageError('doctor takes an address: unmissed doctor http://localhost:3000/events')
  const { url, headers, method = 'GET', body } = await asked(word, values)
  const wait = (count(values, 'wait', 1, 3600) ?? WAIT) * 1000
  const { origin } = values
  // As browsers ask; by hand nothing is added.
  const own = {
    accept: 'text/event-stream',
    'accept-encoding': 'gzip, deflate, br',
    'cache-control': 'no-cache',
    ...Object.fromEntries(headers),
    origin: origin ?? 'https://elsewhere.example',
  }
  const ask: Asked = { url, method, headers: own, body, wait }
  let worst = 0
  const say = (findings: readonly Finding[]) => {
    for (const { level, what, advice } of findings) {
      if (level === 'bad') worst = 1
      process.stdout.write(`${MARKS[level]} ${line(what)}\n${advice ? `  → ${line(advice)}\n` : ''}`)
    }
  }
  let first: Visit
  try {
    first = await visit({ ...ask, isEnough: (events) => events.length >= 20 && (events.at(-1)?.at ?? 0) > 3000 })
  } catch (error) {
    say([judgeSilence(error)])
    return worst
  }
  const head = judgeHead(first)
  say(head)
  if (head[0]?.level === 'bad') return worst
  say([...judgeFlow(first), ...judgeText(first)])
  // What is not safe may cost money: it is not asked again.
  if (body === undefined && isSafe(method)) say(judgeResume(first, await back(ask, first)))
  say(judgeCors(origin, first, await preflight(ask, headers)))
  say(judgeProtocol(url, await protocolOf(url, wait)))
  return worst
}

/** Comes back as a reader that was cut off after the first event that has an id. */
async function back(ask: Asked, { events }: Visit): Promise<Visit | undefined> {
  const [named, next] = events.filter(({ hasId }) => hasId)
  if (!named || !next) return undefined
  const headers = { ...ask.headers, 'last-event-id': Buffer.from(named.id).toString('latin1') }
  return visit({ ...ask, headers, isEnough: (found) => found.length > 0 }).catch(() => undefined)
}

/** What a browser asks before a return: `Last-Event-ID` is no header that it may send by itself. */
async function preflight(ask: Asked, given: Headers): Promise<Preflight | undefined> {
  const names = [
    'last-event-id',
    ...[...given.keys()].filter((name) => name === 'authorization' || name.startsWith('x-')),
  ]
  const headers = {
    origin: ask.headers['origin'] as string,
    'access-control-request-method': ask.method,
    'access-control-request-headers': names.join(','),
  }
  try {
    const message = await answer({ ...ask, method: 'OPTIONS', headers, body: undefined })
    message.destroy()
    const { statusCode: status = 0 } = message
    const allowed = String(message.headers['access-control-allow-headers'] ?? '').toLowerCase()
    const list = allowed.split(',').map((name) => name.trim())
    const isOk = status >= 200 && status < 300
    return { status, missing: names.filter((name) => !isOk || !(list.includes(name) || list.includes('*'))) }
  } catch {
    return { status: 0, missing: names }
  }
}

/** What a browser and the server would speak. */
function protocolOf(url: URL, wait: number): Promise<string | undefined> {
  if (url.protocol !== 'https:') return Promise.resolve(undefined)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(url.port || 443), servername: host, ALPNProtocols: ['h2', 'http/1.1'] })
    const settle = () => {
      resolve(socket.alpnProtocol || undefined)
      socket.destroy()
    }
    socket.setTimeout(wait, settle).once('secureConnect', settle).once('error', settle)
  })
}
