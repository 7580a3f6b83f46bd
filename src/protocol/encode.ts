import type { OutgoingEvent } from './event.ts'

// CR and LF would start a line of the writer's choosing, which is injection, not formatting (§9.2.6: lines end with
// either or both); a reader ignores an `id` that holds NUL, so writing one would be a lie.
const BREAKS = /[\r\n\0]/
const LINE_END = /\r\n?|\n/g

/** Writes one event as a frame, ready for the wire. Throws rather than write what a reader would take for something else. */
export function encode({ type, data, id, retry }: OutgoingEvent): string {
  let frame = ''
  if (id !== undefined) frame += `id: ${oneLine('id', id)}\n`
  if (type) frame += `event: ${oneLine('type', type)}\n`
  if (retry !== undefined) {
    // §9.2.6 "retry": "If the field value consists of only ASCII digits" – and 1e21 is written with an exponent.
    if (!Number.isSafeInteger(retry) || retry < 0)
      throw new RangeError(`retry must be a whole number of milliseconds: ${retry}`)
    frame += `retry: ${retry}\n`
  }
  if (data !== undefined) {
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    if (text === undefined) throw new TypeError(`data must have a JSON form: ${typeof data}`)
    // The space is always written: a reader removes exactly one, and so keeps those that belong to the data.
    frame += `data: ${text.replace(LINE_END, '\ndata: ')}\n`
  }
  return `${frame}\n`
}

/** Writes a comment, which readers ignore: a heartbeat (no text), or a note to whoever looks at the wire. */
export function comment(text = ''): string {
  return text ? `: ${oneLine('comment', text)}\n\n` : ':\n\n'
}

function oneLine(field: string, value: string): string {
  if (typeof value !== 'string' || BREAKS.test(value))
    throw new TypeError(`${field} must be a string without CR, LF or NUL: ${JSON.stringify(String(value))}`)
  return value
}
