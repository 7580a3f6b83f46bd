import { utf8 } from '../helpers/plain-parser.ts'

/** What a reader makes of a body. What it does not tell is left out. */
export type Seen = {
  events: { type: string; data: unknown; id?: unknown }[]
  /** The reconnection time in force after the body. */
  retry?: number | undefined
  /** The last event id in force after the body. */
  lastEventId?: unknown
}

/** Ways in which parsers in use leave the standard: what they do, and the clause that says otherwise. */
export const departures = {
  latin1Bom: {
    does: 'takes the three letters that a BOM would be in Latin-1 for one',
    clause:
      '§9.2.6: "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any." These are three characters.',
  },
  secondBom: {
    does: 'drops two BOMs, one in the decoder and one in the parser',
    clause: '§9.2.6: "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any."',
  },
  bomPerLine: {
    does: 'decodes line by line, and drops a BOM at the start of each',
    clause: '§9.2.5: stream = [ bom ] *event. A BOM anywhere else is a character.',
  },
  bomPerField: {
    does: 'decodes names and values one by one, and drops a BOM at the start of each',
    clause: '§9.2.5: stream = [ bom ] *event. A BOM anywhere else is a character.',
  },
  eventPerBlankLine: {
    does: 'dispatches at every blank line, after a comment or nothing at all, too',
    clause:
      '§9.2.6: "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return."',
  },
  eventPerName: {
    does: 'dispatches a block that has a name, but no data',
    clause:
      '§9.2.6: "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return."',
  },
  eventPerField: {
    does: 'dispatches a block that has any field, but no data',
    clause:
      '§9.2.6: "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return."',
  },
  emptyFirstLine: {
    does: 'loses the line end after data that is empty so far',
    clause:
      '§9.2.6: "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF) character to the data buffer."',
  },
  allSpace: {
    does: 'removes all white space after the colon',
    clause: '§9.2.6: "If value starts with a U+0020 SPACE character, remove it from value."',
  },
  colonNeeded: {
    does: 'ignores a field without a colon',
    clause: '§9.2.6: "using the whole line as the field name, and the empty string as the field value"',
  },
  emptyNameKept: {
    does: 'ignores an empty event name, and keeps the one before it',
    clause: '§9.2.6: "If the field name is "event": Set the event type buffer to the field value."',
  },
  emptyIdIgnored: {
    does: 'ignores an empty id, which should reset',
    clause:
      '§9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."',
  },
  idAtItsLine: {
    does: 'commits the id when its line is read: an event cut off after it is lost for good',
    clause:
      '§9.2.6, at the blank line: "Set the last event ID string of the event source to the value of the last event ID buffer."',
  },
  idWithNul: {
    does: 'takes an id with NUL',
    clause:
      '§9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value. Otherwise, ignore the field."',
  },
  idAsNumber: {
    does: 'makes a number of an id that looks like one',
    clause: '§9.2.6: "set the last event ID buffer to the field value", which is a string',
  },
  retryByPrefix: {
    does: 'takes whatever number a retry starts with',
    clause: '§9.2.6: "If the field value consists of only ASCII digits […] Otherwise, ignore the field."',
  },
  retryAsNumber: {
    does: 'takes a retry that is a number in any notation, but no 0, and drops an earlier one for a bad one',
    clause: '§9.2.6: "If the field value consists of only ASCII digits […] Otherwise, ignore the field."',
  },
  retryAtBlankLine: {
    does: 'lets a retry wait for its blank line',
    clause: '§9.2.6, at its line: "set the event stream\'s reconnection time to that integer"',
  },
} satisfies Record<string, { does: string; clause: string }>

export type Departure = keyof typeof departures

/** The standard again, plainly, with some of its sentences read as others read them. Without departures: the oracle. */
export function readWith(bytes: Uint8Array, departing: readonly Departure[]): Required<Seen> {
  const by = (departure: Departure) => departing.includes(departure)
  const bom = (text: string) => text.replace(/^\uFEFF/, '')
  const decoded = (text: string) => (by('bomPerField') ? bom(text) : text)

  let text = utf8(bytes)
  if (!by('bomPerLine') && !by('bomPerField')) text = bom(text)
  if (by('secondBom')) text = bom(text)
  if (by('latin1Bom')) text = text.replace(/^\xEF\xBB\xBF/, '')

  const events: Seen['events'] = []
  let lastEventId: unknown = ''
  let inForce: number | undefined
  let retry: number | undefined
  let id: unknown = ''
  let data: string | undefined
  let type: string | undefined
  let fields = 0

  const lines = text.split(/\r\n|\n|\r/)
  const rest = lines.pop()
  for (const raw of lines) {
    const line = by('bomPerLine') ? bom(raw) : raw
    if (line === '') dispatch()
    else if (!line.startsWith(':')) {
      const colon = line.indexOf(':')
      if (colon >= 0) field(decoded(line.slice(0, colon)), afterColon(line.slice(colon + 1)))
      else if (!by('colonNeeded')) field(line, '')
    }
  }
  // A BOM where a line would begin leaves an empty one, though nothing ends it.
  if (by('bomPerLine') && rest === '\uFEFF') dispatch()
  return { events, retry: inForce, lastEventId }

  function afterColon(rest: string): string {
    return by('allSpace') ? rest.replace(/^\s*/, '') : decoded(rest.replace(/^ /, ''))
  }
  function dispatch() {
    lastEventId = id
    const due =
      data !== undefined ||
      by('eventPerBlankLine') ||
      (by('eventPerName') && Boolean(type)) ||
      (by('eventPerField') && fields > 0)
    if (due) events.push({ type: type || 'message', data: data ?? (by('eventPerField') ? undefined : ''), id })
    if (by('retryAtBlankLine')) inForce = retry ?? inForce
    data = type = retry = undefined
    fields = 0
  }
  function field(name: string, value: string) {
    if (!['data', 'event', 'id', 'retry'].includes(name)) return
    fields++
    if (name === 'data') {
      if (data === undefined || (by('emptyFirstLine') && data === '')) data = value
      else data += `\n${value}`
    } else if (name === 'event') {
      if (value || !by('emptyNameKept')) type = value
    } else if (name === 'id') {
      if (value.includes('\0') && !by('idWithNul')) return
      if (value === '' && by('emptyIdIgnored')) return
      id = by('idAsNumber') && String(Number(value)) === value ? Number(value) : value
      if (by('idAtItsLine')) lastEventId = id
    } else setRetry(value)
  }
  function setRetry(value: string) {
    if (by('retryAsNumber')) retry = Number(value) || undefined
    else if (by('retryByPrefix')) retry = Number.isNaN(Number.parseInt(value, 10)) ? retry : Number.parseInt(value, 10)
    else if (/^[0-9]+$/.test(value)) retry = Number(value)
    if (!by('retryAtBlankLine')) inForce = retry ?? inForce
  }
}
