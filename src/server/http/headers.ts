const RANKS = ['*/*', 'text/*', 'text/event-stream']
// What some old clients send for everything, such as Java's.
const ANYTHING = '*'

/** One range of an Accept header, RFC 9110 §12.5.1; a weight of zero refuses. */
interface Range {
  readonly type: string
  readonly isWanted: boolean
}

let last = { accept: '', ranges: [] as readonly Range[] }

/** What came last is remembered: most who come together send the same, and reading it costs more than all other headers. */
function rangesOf(accept = ''): readonly Range[] {
  if (accept !== last.accept) last = { accept, ranges: read(accept) }
  return last.ranges
}

function read(accept: string): Range[] {
  const found: Range[] = []
  // A quoted parameter may hold commas and semicolons; none of ours does.
  for (const range of accept
    .replace(/"(?:[^"\\]|\\.)*"?/gs, '')
    .toLowerCase()
    .split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    if (type) found.push({ type, isWanted: weight === undefined || Number(weight.slice(2)) !== 0 })
  }
  return found
}

/**
 * Whether an Accept header allows `text/event-stream`, RFC 9110 §12.5.1: the most specific range decides, a weight of
 * zero refuses, and no header at all accepts everything, as does one that names nothing.
 */
export function acceptsEventStream(accept: string | undefined): boolean {
  const ranges = rangesOf(accept)
  let best = -1
  let allowed = ranges.length === 0
  for (const { type, isWanted } of ranges) {
    const rank = RANKS.indexOf(type === ANYTHING ? '*/*' : type)
    if (rank < 0 || rank < best) continue
    allowed = rank === best ? allowed || isWanted : isWanted
    best = rank
  }
  return allowed
}

/**
 * Whether a request may be meant for a stream, whatever its Accept header says of it: a POST, as clients of language models
 * send it with `Accept: application/json`, and whoever wants JSON; but nobody who looks for a page.
 */
export function mayWantStream(accept: string | undefined, method: string): boolean {
  const ranges = rangesOf(accept)
  const names = (...types: string[]): boolean => ranges.some(({ type, isWanted }) => isWanted && types.includes(type))
  if (ranges.some(({ type }) => type === 'text/event-stream')) return acceptsEventStream(accept)
  if (names('text/html', 'application/xhtml+xml')) return false
  return method === 'POST' || names('application/json') || acceptsEventStream(accept)
}

/** Whether an Accept header names JSON. */
export function takesJson(accept: string | undefined): boolean {
  return rangesOf(accept).some(({ type, isWanted }) => isWanted && /^application\/(problem\+)?json$/.test(type))
}

/** The longest id that is taken from a request, in bytes: it is copied, compared and echoed. */
export const LONGEST_ID = 1024

// RFC 9110 §5.5: neither can be in a header's value, nor can an id hold what ends its line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/

const BEYOND_ASCII = /[^\0-\x7f]/

/** Whether an id could come back in a `Last-Event-ID` header. */
export function isCarriable(id: string): boolean {
  return id.length <= LONGEST_ID && !CONTROL.test(id)
}

/** A header's value as text. Readers send the id as UTF-8 (WHATWG HTML §9.2.3), and HTTP hands on one character per byte. */
export function utf8(value: string): string {
  // A decoder costs as much as all other headers.
  if (!BEYOND_ASCII.test(value)) return value
  const bytes = Uint8Array.from(value, (character) => character.charCodeAt(0))
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  // Some clients send Latin-1 instead, which is not UTF-8 then.
  return text.includes('\uFFFD') ? value : text
}

/** Text as a header's value: one character per byte of UTF-8. */
export function latin1(text: string): string {
  return BEYOND_ASCII.test(text) ? String.fromCharCode(...new TextEncoder().encode(text)) : text
}

/** The head of every event stream, but for what depends on the server. */
export function streamHead(heartbeat = 15_000, ids = ''): Record<string, string> {
  return {
    'Content-Type': 'text/event-stream',
    // A transformation, such as compression by a proxy, would hold events back until it has enough of them.
    'Cache-Control': 'no-cache, no-transform',
    // nginx buffers answers unless it is told.
    'X-Accel-Buffering': 'no',
    // RFC 9651 §3.2. An empty dictionary is one that is not sent.
    ...((heartbeat || ids) && { Unmissed: [announced(heartbeat), ids].filter(Boolean).join(', ') }),
  }
}

// RFC 9651 §3.3.1: an integer has at most 15 digits.
function announced(heartbeat: number): string {
  return heartbeat > 0 ? `heartbeat=${Math.min(Math.ceil(heartbeat), 1e15 - 1)}` : ''
}

const LISTS = ['vary', 'access-control-expose-headers']

/** Headers that are sent besides those that are set already: lists are joined, all else is as we say. */
export function joined(headers: Record<string, string>, set: (name: string) => unknown): Record<string, string> {
  const all = { ...headers }
  for (const [name, value] of Object.entries(headers)) {
    if (!LISTS.includes(name.toLowerCase())) continue
    const before = set(name)
    if (before !== undefined) all[name] = joinLists(`${before}`, value)
  }
  return all
}

/** One head of several: of a name, whatever its case (RFC 9110 §5.1), the last value counts; lists are joined. */
export function merged(...heads: ReadonlyArray<Record<string, string> | undefined>): Record<string, string> {
  const names = new Map<string, string>()
  const all: Record<string, string> = {}
  for (const [name, value] of heads.flatMap((head) => Object.entries(head ?? {}))) {
    const known = names.get(name.toLowerCase()) ?? name
    names.set(name.toLowerCase(), known)
    const before = all[known]
    all[known] = before !== undefined && LISTS.includes(name.toLowerCase()) ? joinLists(before, value) : value
  }
  return all
}

function joinLists(one: string, other: string): string {
  const seen = new Set<string>()
  const names = `${one}, ${other}`.split(',').map((item) => item.trim())
  return names.filter((item) => item && !seen.has(item.toLowerCase()) && seen.add(item.toLowerCase())).join(', ')
}
