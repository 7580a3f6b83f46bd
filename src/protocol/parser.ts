import { createDecoder } from './decoder.ts'
import { UnmissedError } from './errors.ts'
import type { ServerSentEvent } from './event.ts'
import { codeAt, indexOf, lengthOf, slice } from './strings.ts'

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

// Characters are numbers written in place: 10 is LF, 13 CR, 32 the space, 58 the colon, and letters are named beside
// their line. As constants they would be variables in every bundle, which is 50 bytes and a load at each comparison.
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
    if (busy || backlog) {
      backlog += text
      if (busy) return
      text = backlog
      backlog = ''
    }
    busy = true
    const known = id
    try {
      while (text) {
        next = 0
        take(text)
        text = backlog
        backlog = ''
      }
    } finally {
      busy = false
      // A piece of a chunk would keep all of it in memory until the next id.
      if (id !== known) id = slice(`${id} `, 0, -1)
      // Only where a callback threw: what it left behind.
      if (text) backlog = slice(text, next) + backlog
    }
  }

  /** Splits: what has a line end in this text goes on to the fields, the beginning of another line stays in `rest`. */
  function take(text: string) {
    const length = lengthOf(text)
    const first = codeAt(text, 0)
    let start = first === unwanted ? 1 : 0
    unwanted = -1
    // A character at a time is how typewriters and tests cut: no line end, so nothing to search.
    if (length > 1 || first <= 13 || start) {
      const cr = find(text, '\r', start)
      if (rest || cr < length) start = mixedLines(text, start, cr)
      if (!rest) start = lines(text, start)
    }
    if (start < length) {
      rest += slice(text, start)
      check(lengthOf(rest))
    }
  }

  /** Lines that end with LF. Small, because it is hot: cold code inside would cost it its place in the optimizer. */
  function lines(text: string, start: number): number {
    const length = lengthOf(text)
    while (start < length) {
      const code = codeAt(text, start)
      if (code === 10) {
        next = ++start
        if (kept) dispatch()
        else while (start < length && codeAt(text, start) === 10) start++
        continue
      }
      const end = indexOf(text, '\n', start)
      if (end < 0) break
      if (code === 100 && isData(text, start) && codeAt(text, start + 4) === 58) {
        check(end - start)
        const value = slice(text, codeAt(text, start + 5) === 32 ? start + 6 : start + 5, end)
        start = end + 1
        if (data === undefined && start < length && codeAt(text, start) === 10) {
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

  /** Lines up to the last CR, and the end of the line that an earlier chunk began. Each end is searched for once. */
  function mixedLines(text: string, start: number, cr: number): number {
    const length = lengthOf(text)
    let lf = -1
    do {
      if (lf < start) lf = find(text, '\n', start)
      if (cr < start) cr = find(text, '\r', start)
      const line = start
      let end = lf
      if (cr < lf) {
        end = cr
        start = cr + 1
        // The event leaves now: whether an LF follows is not waited for.
        if (start === length) unwanted = 10
        else if (start === lf) start++
      } else if (lf < length) start = lf + 1
      else break
      next = start
      if (rest) {
        // Only the carried line is joined, not the chunk to it; and `rest` is not searched again, which would cost
        // O(n²) on one long line in many small chunks.
        const carried = rest + slice(text, line, end + 1)
        rest = ''
        field(carried, 0, lengthOf(carried) - 1)
      } else if (line < end) field(text, line, end)
      else if (kept) dispatch()
    } while (start < length && cr < length)
    return start
  }

  /**
   * One line that is not blank; its end is within the text, so a comparison stops there at the latest. Unknown names
   * are ignored, and so is a name with more or less before its colon.
   */
  function field(text: string, start: number, end: number) {
    check(end - start)
    const code = codeAt(text, start)
    // Letter by letter: a string made for the comparison would cost more than the rest of the line, `startsWith` 10 %.
    if (code === 100 && isData(text, start)) start += 4
    // id
    else if (code === 105 && codeAt(text, start + 1) === 100) start += 2
    else if (
      // event
      code === 101 &&
      codeAt(text, start + 1) === 118 &&
      codeAt(text, start + 2) === 101 &&
      codeAt(text, start + 3) === 110 &&
      codeAt(text, start + 4) === 116
    )
      start += 5
    else if (
      // retry
      code === 114 &&
      codeAt(text, start + 1) === 101 &&
      codeAt(text, start + 2) === 116 &&
      codeAt(text, start + 3) === 114 &&
      codeAt(text, start + 4) === 121
    )
      start += 5
    else if (code !== 58) return
    if (start < end) {
      // The name goes on.
      if (codeAt(text, start) !== 58) return
      // "If value starts with a U+0020 SPACE character, remove it from value": one, not all.
      if (codeAt(text, ++start) === 32) start++
    }
    const value = slice(text, start, end)
    const size = end - start
    if (code === 100) addData(value)
    else if (code === 101) {
      kept += size - lengthOf(type)
      type = value
    } else if (code === 58) onComment?.(value)
    else if (code === 114) {
      if (DIGITS.test(value)) onRetry?.(+value)
    } else if (indexOf(value, '\0', 0) < 0) {
      // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
      // One more for the line, so that an empty id counts.
      kept += size - (newId === undefined ? -1 : lengthOf(newId))
      newId = value
    }
  }

  function addData(value: string) {
    data = data === undefined ? value : `${data}\n${value}`
    kept += lengthOf(value) + 1
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
        `an event of more than ${maxEventSize} characters: raise maxEventSize`,
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
      over = new UnmissedError('parser-ended', 'make a new parser for the next body')
    },
  }
}

/** Whether `ata` follows, the `d` having been seen. */
function isData(text: string, at: number): boolean {
  return codeAt(text, at + 1) === 97 && codeAt(text, at + 2) === 116 && codeAt(text, at + 3) === 97
}

function find(text: string, char: string, from: number): number {
  const at = indexOf(text, char, from)
  return at < 0 ? lengthOf(text) : at
}
