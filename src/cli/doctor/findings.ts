import type { IncomingHttpHeaders } from 'node:http'
import { UNSENDABLE } from '../../client/resume.ts'
import { isEventStream } from '../../protocol/content-type.ts'
import type { Visit } from './visit.ts'

/** One thing that was looked at: `bad` is a fault, `hint` is what may become one. */
export interface Finding {
  readonly level: 'good' | 'hint' | 'bad'
  readonly what: string
  /** What to change. */
  readonly advice?: string | undefined
}

const UNBUFFERED = 'send X-Accel-Buffering: no, turn proxy_buffering off, and do not compress'

const good = (what: string): Finding => ({ level: 'good', what })
const hint = (what: string, advice: string): Finding => ({ level: 'hint', what, advice })
const bad = (what: string, advice: string): Finding => ({ level: 'bad', what, advice })

const STATUS: Record<number, string> = {
  204: 'a reader stops for good at 204: answer 200 where there is a stream',
  401: 'give credentials, such as -H "authorization: Bearer …"',
  403: 'these credentials may not: give others with -H or -u',
  404: 'see to the path',
  405: 'ask with another method: -X POST',
  406: 'let the route answer requests with Accept: text/event-stream',
}

/** Why there is no answer at all. */
export function judgeSilence(error: unknown): Finding {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] }
  const why = message || errors?.[0]?.message || code || String(error)
  const advice = why.startsWith('no answer')
    ? `have the server send its head at once; if it does, something between buffers it: ${UNBUFFERED}`
    : 'see to the address, and that the server runs'
  return bad(why.startsWith('no answer') ? why : `no answer: ${why}`, advice)
}

/** The status and the type: without these there is no stream. */
export function judgeHead({ status, headers, head }: Visit): Finding[] {
  if (status !== 200) {
    const { location } = headers
    const advice = location ? `give readers that address: each return is redirected: ${location}` : STATUS[status]
    return [bad(`status ${status}, not 200`, advice ?? 'see to the server’s log')]
  }
  const type = headers['content-type'] ?? 'no content type'
  if (!isEventStream(type)) {
    return [bad(`${type}, not text/event-stream`, 'send Content-Type: text/event-stream; is it the right address?')]
  }
  const found = [good(`200, ${type}`)]
  if (head > 2000) {
    found.push(hint(`the head took ${seconds(head)}`, 'send the head at once: flushHeaders(), before the first event'))
  }
  return [...found, ...judgeHeaders(headers)]
}

function judgeHeaders(headers: IncomingHttpHeaders): Finding[] {
  const { 'cache-control': cache = '', 'content-length': length, 'content-encoding': encoding } = headers
  const found: Finding[] = []
  if (length !== undefined) {
    found.push(bad(`announces a length of ${length} bytes`, 'a stream has none: leave Content-Length out'))
  }
  if (!/no-cache|no-store/i.test(cache)) {
    found.push(hint('may be cached', 'send Cache-Control: no-cache, no-transform'))
  }
  if (encoding && encoding !== 'identity') {
    found.push(
      hint(`compressed with ${encoding}`, 'leave streams uncompressed, or flush after each event: no-transform'),
    )
  }
  return found
}

/** Whether bytes come when they are made, as far as can be told from here. */
export function judgeFlow(visit: Visit): Finding[] {
  const { pieces, events, headers, lasted } = visit
  const [first] = pieces
  // Our own servers send a comment with the head: if it is not here, something holds it back.
  const isOurs = headers['unmissed'] !== undefined
  if (!first) {
    const what = `nothing came in ${seconds(lasted)}`
    return [
      isOurs
        ? bad(`${what}, though the server begins with a comment: something between buffers it`, UNBUFFERED)
        : hint(
            what,
            `send a comment at once, and one each 15 s; if you do, something between buffers it: ${UNBUFFERED}`,
          ),
    ]
  }
  const heaps = heapsOf(visit)
  const full = heaps.filter(({ count }) => count > 3).length
  if (first.at > 1000 && (isOurs || (heaps[0]?.count ?? 0) > 1)) {
    return [bad(`the first bytes came ${seconds(first.at)} after the head, several events together`, UNBUFFERED)]
  }
  if (heaps.length > 1 && full === heaps.length) {
    return [hint(`events come in heaps of ${Math.round(events.length / heaps.length)}`, UNBUFFERED)]
  }
  return [good(`the first bytes came ${seconds(first.at)} after the head`)]
}

/** Events that came together, with a pause before the next ones. */
function heapsOf({ events }: Visit): Array<{ at: number; count: number }> {
  const heaps: Array<{ at: number; count: number }> = []
  for (const { at } of events) {
    const last = heaps.at(-1)
    if (last && at - last.at < 300) last.count++
    else heaps.push({ at, count: 1 })
  }
  return heaps
}

/** What is said, and how it ends. */
export function judgeText({ events, retry, isText, rest, end, lasted, headers, comments }: Visit): Finding[] {
  const found: Finding[] = []
  const names = events.filter(({ hasId }) => hasId).length
  const odd = events.find(({ id }) => UNSENDABLE.test(id))
  if (odd)
    found.push(
      bad(`the id ${odd.id} cannot return in a header`, 'leave control characters, and blanks at the ends, out of ids'),
    )
  if (!isText) found.push(bad('it is not UTF-8', 'encode the stream as UTF-8, whatever the header says'))
  if (events.length > 0) {
    found.push(
      names === events.length
        ? good(`${events.length} events, each with an id`)
        : hint(
            `${events.length - names} of ${events.length} events have no id`,
            'give each an id, and send again what follows the Last-Event-ID: who is cut off misses events else',
          ),
    )
  }
  if (retry !== undefined && (retry < 100 || retry > 600_000)) {
    found.push(hint(`retry: ${retry} ms`, 'some seconds: soon enough for readers, and seldom enough for the server'))
  }
  if (rest > 0)
    found.push(bad('it ends within an event, which is lost', 'end each event, also the last, with a blank line'))
  if (end === 'broke')
    found.push(bad(`it broke after ${seconds(lasted)}`, 'see who cuts it: a proxy’s timeout, a crash'))
  if (end === 'ended') {
    found.push(
      hint(`it ended after ${seconds(lasted)}`, 'nothing, if that is meant: readers return after the retry time'),
    )
  }
  if (end === 'left' && comments === 0 && headers['unmissed'] === undefined && lasted > 16_000 && events.length < 2) {
    found.push(hint(`no comment in ${seconds(lasted)}`, 'send one each 15 s: proxies end what is silent for a minute'))
  }
  return found
}

/** Whether a reader that was cut off is given what it missed. */
export function judgeResume(first: Visit, again: Visit | undefined): Finding[] {
  const [named, next] = first.events.filter(({ hasId }) => hasId)
  if (!named || !next || UNSENDABLE.test(named.id)) return []
  const advice = 'send what came after the id of the Last-Event-ID header, then what is new'
  if (again?.status !== 200) return [bad(`a return with an id is answered ${again?.status ?? 'nothing'}`, advice)]
  const ids = again.events.map(({ id }) => id)
  if (ids[0] === next.id) return [good('it resumes: after an id comes the next event')]
  if (ids.includes(named.id)) {
    return [hint('a return is given the event again that it had', `begin after it; ${advice}`)]
  }
  return [bad(`a return after ${named.id} is not given ${next.id}: it does not resume`, advice)]
}

/** Whether pages of another origin may read it, and come back. */
export function judgeCors(origin: string | undefined, { headers }: Visit, preflight: Preflight | undefined): Finding[] {
  const allowed = headers['access-control-allow-origin']
  const who = origin ?? 'pages of other origins'
  if (allowed !== '*' && allowed !== (origin ?? allowed)) {
    return [bad(`${who} may not read it`, `send Access-Control-Allow-Origin: ${origin}`)]
  }
  if (allowed === undefined) {
    const advice = `send Access-Control-Allow-Origin${origin ? `: ${origin}` : ', if they should'}`
    return [origin ? bad(`${who} may not read it`, advice) : hint(`${who} may not read it`, advice)]
  }
  if (!preflight || preflight.missing.length === 0) return [good(`${who} may read it`)]
  const names = preflight.missing.join(', ')
  return [
    bad(
      `the preflight for ${names} is answered ${preflight.status}, and allows it not: who is cut off cannot come back`,
      `answer OPTIONS with 204 and Access-Control-Allow-Headers: ${names}`,
    ),
  ]
}

/** What a browser asks before it sends headers of its own. */
export interface Preflight {
  readonly status: number
  /** The headers that it does not allow. */
  readonly missing: readonly string[]
}

/** Browsers open six connections to a host, over HTTP/1.1. */
export function judgeProtocol(url: URL, protocol: string | undefined): Finding[] {
  if (protocol === 'h2') return [good('HTTP/2: any number of streams in a browser')]
  const why = url.protocol === 'https:' ? 'HTTP/1.1' : 'HTTP/1.1 without TLS'
  return [hint(`${why}: six streams for a browser, in all of its tabs`, 'offer HTTP/2, which needs TLS')]
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}
