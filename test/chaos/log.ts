import { createRandom, pick, type Random, whole } from './random.ts'

/** An event of the log, as its reader must see it. */
export interface LogEvent {
  type: string
  data: string
  id: string
}

/**
 * `plain`: digits. `utf8`: some ids with two, three and four byte characters. `wild`: some that no header can carry.
 * `own`: whatever the server gives.
 */
export type Ids = 'plain' | 'utf8' | 'wild' | 'own'

/** Every type the log uses, for clients that must be told each name. */
export const TYPES = ['message', 'tick', 'note', 'größe']

const LETTERS = ['a', 'b', ' ', ':', '=', '"', 'é', 'ß', 'Ж', '日', '本', '\uFEFF', '😀', '𝕏', '\u2028', '\t', '0']
const ENDS = ['\n', '\r\n', '\r']

export function idOf(n: number, ids: Ids): string {
  if (ids !== 'plain' && n % 7 === 0) return `${n} é日😀`
  // A control character is no part of any header value (RFC 9110 §5.5); fetch throws on it.
  if (ids === 'wild' && n % 11 === 0) return `${n}\x01`
  return `${n}`
}

/** The number in an id or at the start of the data; 0 where there is none. */
export function numberOf(text: string): number {
  return Number.parseInt(text, 10) || 0
}

/** Event `n` of the log, a pure function of `n`: whoever received it can be checked without keeping it. */
export function eventAt(n: number, ids: Ids): LogEvent {
  const random = createRandom('event', n)
  const type = n % 3 === 0 ? pick(random, TYPES) : 'message'
  const lines: string[] = []
  // 4 to 12 KB now and then: such an event spans many reads and many chunks.
  if (n % 97 === 0) lines.push(text(random, whole(random, 2_000, 5_500)))
  else if (n % 5 === 0)
    for (let left = whole(random, 2, 5); left > 0; left--) lines.push(text(random, whole(random, 0, 30)))
  else lines.push(text(random, whole(random, 0, 60)))
  return { type, data: `${n} ${lines.join('\n')}`, id: idOf(n, ids) }
}

/** Event `n` on the wire: LF, CRLF and CR mixed; its id first on even `n` and last on odd ones. */
export function frameAt(n: number, ids: Ids): string {
  const event = eventAt(n, ids)
  const random = createRandom('frame', n)
  const end = n % 4 === 3 ? undefined : pick(random, ENDS)
  const id = field(random, 'id', event.id)
  const fields = event.data.split('\n').map((line) => field(random, 'data', line))
  if (event.type !== 'message' || random() < 0.1)
    fields.splice(random() < 0.5 ? 0 : fields.length, 0, field(random, 'event', event.type))
  if (random() < 0.1) fields.push(': 注釈')
  if (n % 2 === 0) fields.unshift(id)
  else fields.push(id)
  let frame = ''
  for (const line of fields) frame += line + (end ?? pick(random, ENDS))
  // A blank line that ends in LF right after a line that ends in CR would be read as that line's CRLF.
  return frame + (frame.endsWith('\r') ? '\r' : (end ?? pick(random, ENDS)))
}

function field(random: Random, name: string, value: string): string {
  return `${name}:${value.startsWith(' ') || random() < 0.8 ? ' ' : ''}${value}`
}

function text(random: Random, length: number): string {
  let made = ''
  for (let left = length; left > 0; left--) made += pick(random, LETTERS)
  return made
}
