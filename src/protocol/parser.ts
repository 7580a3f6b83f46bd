import { createDecoder } from './decoder.ts'
import { UnmissedError } from './errors.ts'
import type { ServerSentEvent } from './event.ts'
import { CR, codeAt, indexOf, LF, slice } from './strings.ts'

/** What a parser calls, synchronously from `push` and in the order of the stream; and its limits. */
export interface ParserOptions {
  /** Called for every event, at its blank line. */
  onEvent?: ((event: ServerSentEvent) => void) | undefined
  /** Called at the blank line of every block that named an id, with or without an event, which is called next: what to resume after from here on. */
  onId?: ((id: string, hasEvent: boolean) => void) | undefined
  /** Called at each valid `retry` line, with its milliseconds. */
  onRetry?: ((milliseconds: number) => void) | undefined
  /** Called for each comment line, with what follows its colon and at most one space. */
  onComment?: ((text: string) => void) | undefined
  /** The last event id that an earlier body left in force. Default: `''`. */
  lastEventId?: string | undefined
  /** The most text kept for one event, an endless line included, in UTF-16 units; beyond it `push` throws `event-too-large`. Default: 16777216. */
  maxEventSize?: number | undefined
  /** Whether `end()` dispatches an event that lacks its blank line, for gateways that forget it. Default: false, as the standard says. */
  flush?: boolean | undefined
}

export interface Parser {
  /**
   * Takes the next piece of the body, cut anywhere. Throws what a callback threw: the rest of the chunk is then kept
   * for the next call. Throws `event-too-large` at `maxEventSize`, and `parser-ended` after `end()`.
   */
  push(chunk: Uint8Array | string): void
  /** Says that the body is over: an unfinished event is dropped, as the standard says, unless `flush` is set. */
  end(): void
}

const COLON = 58
const SPACE = 32
// The names are compared letter by letter: a string made for the comparison would cost more than the rest of the line.
const A = 97
const D = 100
const E = 101
const I = 105
const N = 110
const R = 114
const T = 116
const V = 118
const Y = 121
const DIGITS = /^[0-9]+$/

/** Turns one `text/event-stream` body into events, as WHATWG HTML §9.2.6 says. Make a new one per body. */
export function createParser(options: ParserOptions = {}): Parser {
  const { onEvent, onId, onRetry, onComment, maxEventSize = 2 ** 24, flush } = options
  let decoder: ReturnType<typeof createDecoder> | undefined

  // The whole memory between two chunks, first of the splitter …
  /** The beginning of a line whose end has not come. */
  let rest = ''
  /** Dropped if it comes next: the one leading BOM of a body, then the LF that follows a CR at the end of a chunk. */
  let unwanted = 0xfeff
  /** Text that was pushed but not looked at: by a callback that pushed, or after one that threw. */
  let backlog = ''
  let busy = false
  /** Where the lines that were not looked at begin, in the text that is being taken. */
  let next = 0
  /** Why nothing more is taken. */
  let over: UnmissedError | undefined

  // … then of the block.
  let type = ''
  let data: string | undefined
  let newId: string | undefined
  let id = options.lastEventId ?? ''
  /** The text kept for the block; not 0 as soon as its blank line has something to do. */
  let kept = 0

  function push(text: string): void {
    if (over) throw over
    backlog += text
    if (busy) return
    busy = true
    try {
      while (backlog) {
        text = backlog
        backlog = ''
        next = 0
        take(text)
        next = text.length
      }
    } finally {
      busy = false
      if (next < text.length) backlog = slice(text, next) + backlog
    }
  }

  function take(text: string) {
    const { length } = text
    const first = codeAt(text, 0)
    let start = first === unwanted ? 1 : 0
    unwanted = -1
    if (length === 1 && first > CR && !start) {
      // A character at a time is how typewriters and tests cut: no line end, so nothing to search.
      rest += text
      return check(rest.length)
    }
    let cr = indexOf(text, '\r', start)
    if (rest) {
      // Only the carried line is joined, not the chunk to it; and `rest` is not searched again, which would cost
      // O(n²) on one long line in many small chunks.
      const lf = indexOf(text, '\n', start)
      const end = cr < 0 || (lf >= 0 && lf < cr) ? lf : cr
      rest += slice(text, start, end < 0 ? length : end)
      if (end < 0) return check(rest.length)
      const line = rest
      rest = ''
      start = end + 1
      if (end === cr) {
        if (start === length) unwanted = LF
        else if (start === lf) start++
        cr = indexOf(text, '\r', start)
      }
      next = start
      if (line) field(line, 0, line.length)
    }
    start = cr < 0 ? lines(text, start) : mixedLines(text, start, cr)
    if (start < length) {
      rest = slice(text, start)
      check(rest.length)
    }
  }

  /** Lines that end with LF. Small, because it is hot: cold code inside would cost it its place in the optimizer. */
  function lines(text: string, start: number): number {
    const { length } = text
    while (start < length) {
      const code = codeAt(text, start)
      if (code === LF) {
        next = ++start
        if (kept) dispatch()
        else while (start < length && codeAt(text, start) === LF) start++
        continue
      }
      const end = indexOf(text, '\n', start)
      if (end < 0) break
      if (end > start + 4 && isData(text, start) && codeAt(text, start + 4) === COLON) {
        check(end - start)
        const value = slice(text, codeAt(text, start + 5) === SPACE ? start + 6 : start + 5, end)
        start = end + 1
        if (data === undefined && start < length && codeAt(text, start) === LF) {
          // One line of data is the commonest event by far; with nothing beside it, it needs no block.
          next = ++start
          if (kept) {
            data = value
            dispatch()
          } else onEvent?.({ type: 'message', data: value, id })
        } else addData(value)
      } else {
        next = end + 1
        field(text, start, end)
        start = next
      }
    }
    return start
  }

  /** Lines that end with LF, CR or CRLF; `cr` is the first CR. Each end is searched for once. */
  function mixedLines(text: string, start: number, cr: number): number {
    const { length } = text
    let lf = -1
    while (start < length) {
      if (lf < start) lf = find(text, '\n', start)
      if (cr < start) cr = find(text, '\r', start)
      const line = start
      let end = lf
      if (cr < lf) {
        end = cr
        start = cr + 1
        // The event leaves now: whether an LF follows is not waited for.
        if (start === length) unwanted = LF
        else if (start === lf) start++
      } else if (lf < length) start = lf + 1
      else break
      next = start
      if (line === end) {
        if (kept) dispatch()
      } else field(text, line, end)
    }
    return start
  }

  /** One line that is not blank. Unknown names are ignored, and so is a name with more or less before its colon. */
  function field(text: string, start: number, end: number) {
    check(end - start)
    const code = codeAt(text, start)
    const size = end - start
    if (code === COLON) onComment?.(value(text, start, end) as string)
    else if (size > 1 && code === I && codeAt(text, start + 1) === D) {
      const found = value(text, start + 2, end)
      // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
      if (found !== undefined && indexOf(found, '\0', 0) < 0) {
        kept += found.length - (newId === undefined ? -1 : newId.length)
        newId = found
      }
    } else if (size > 3 && isData(text, start)) {
      const found = value(text, start + 4, end)
      if (found !== undefined) addData(found)
    } else if (
      size > 4 &&
      code === E &&
      codeAt(text, start + 1) === V &&
      codeAt(text, start + 2) === E &&
      codeAt(text, start + 3) === N &&
      codeAt(text, start + 4) === T
    ) {
      const found = value(text, start + 5, end)
      if (found !== undefined) {
        kept += found.length - type.length
        type = found
      }
    } else if (
      size > 4 &&
      code === R &&
      codeAt(text, start + 1) === E &&
      codeAt(text, start + 2) === T &&
      codeAt(text, start + 3) === R &&
      codeAt(text, start + 4) === Y
    ) {
      const found = value(text, start + 5, end)
      if (found && DIGITS.test(found)) onRetry?.(Number(found))
    }
  }

  function addData(value: string) {
    data = data === undefined ? value : `${data}\n${value}`
    kept += value.length + 1
  }

  /** The blank line: "dispatch the event". */
  function dispatch() {
    const event = data === undefined ? data : { type: type || 'message', data, id: newId ?? id }
    const named = newId
    type = ''
    data = newId = undefined
    kept = 0
    try {
      if (named !== undefined) {
        id = named
        onId?.(id, event !== undefined)
      }
    } finally {
      if (event) onEvent?.(event)
    }
  }

  function check(size: number) {
    if (kept + size > maxEventSize) {
      over = new UnmissedError(
        'event-too-large',
        `one event has more than ${maxEventSize} characters: raise maxEventSize`,
      )
      throw over
    }
  }

  return {
    push(chunk) {
      if (typeof chunk !== 'string') {
        decoder ??= createDecoder()
        const text = decoder.push(chunk)
        if (text || backlog) push(text)
      } else push(chunk && decoder ? decoder.end() + chunk : chunk)
    },
    end() {
      if (over) return
      const text = decoder ? decoder.end() : ''
      push(flush ? `${text}\n\n` : text)
      over = new UnmissedError('parser-ended', 'the body is over: make a new parser for the next one')
    },
  }
}

/** The value of a field whose name ends at `at`, or undefined where the name goes on. */
function value(text: string, at: number, end: number): string | undefined {
  if (at === end) return ''
  if (codeAt(text, at) !== COLON) return undefined
  // "If value starts with a U+0020 SPACE character, remove it from value": one, not all.
  return slice(text, at + 1 < end && codeAt(text, at + 1) === SPACE ? at + 2 : at + 1, end)
}

function isData(text: string, at: number): boolean {
  return (
    codeAt(text, at) === D && codeAt(text, at + 1) === A && codeAt(text, at + 2) === T && codeAt(text, at + 3) === A
  )
}

function find(text: string, char: string, from: number): number {
  const at = from < text.length ? indexOf(text, char, from) : -1
  return at < 0 ? text.length : at
}
