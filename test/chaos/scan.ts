/** Where a connection can be hit. Each is a position between two bytes of one answer. */
export const PLACES = [
  'head', // inside the response's head
  'chunk-size', // inside the line that says how long the next chunk is
  'chunk-end', // between the CR and the LF of that line
  'line', // inside a line of the event stream
  'character', // inside a UTF-8 character
  'crlf', // between the CR and the LF that end a line
  'after-id', // after a whole `id` line, whatever follows
  'before-blank', // after the last line of an event, before the blank line that dispatches it
  'border', // between two events
  'anywhere', // after so many bytes of the answer
] as const

export type Place = (typeof PLACES)[number]

/** A place, and how many blank lines of the event stream (or bytes, for `anywhere`) come before it. */
export interface Aim {
  place: Place
  after: number
}

/** After so many blank lines without the place that was aimed at, none is expected any more. */
const OVERDUE = 100
const CR = 13
const LF = 10
const COLON = 58
const HEAD_END = '\r\n\r\n'

/**
 * Follows one answer byte by byte: its head, its chunks, the event stream inside them. Everything carried from byte to
 * byte is a field, because TCP cuts its own way.
 */
export class Scanner {
  /** Blank lines of the event stream that went by. */
  blanks = 0
  /** Bytes of the answer that went by. */
  bytes = 0
  /** The whole answer went by; never true for a body that only the end of the connection ends. */
  done = false
  #part: 'head' | 'size' | 'chunk' | 'chunk-close' | 'open' = 'head'
  #head = ''
  #size = ''
  #left = 0
  // The event stream: the line so far (its length and first bytes), what the last byte was, what the last line was.
  #length = 0
  #name = ''
  #previous = 0
  #afterId = false
  #inEvent = false

  /** Goes through `chunk` until the byte before which `aim` lies and gives that byte's index, or -1. */
  find(chunk: Uint8Array, aim: Aim | undefined): number {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (aim && ((this.#reached(aim) && this.#isBefore(aim.place, byte)) || this.isOverdue(aim))) return at
      this.#take(byte)
      if (this.done) return -1
    }
    return -1
  }

  /** There is no such place: not every server writes CRLF. Then any byte will do. */
  isOverdue({ after }: Aim): boolean {
    return this.blanks > after + OVERDUE
  }

  #reached({ place, after }: Aim): boolean {
    if (place === 'head') return this.#part === 'head' && this.#head.length > 8
    if (place === 'anywhere') return this.bytes >= after
    return this.blanks >= after
  }

  #isBefore(place: Place, byte: number): boolean {
    if (place === 'head' || place === 'anywhere') return true
    if (place === 'chunk-size') return this.#part === 'size' && this.#size.length > 0
    if (place === 'chunk-end') return this.#part === 'size' && byte === LF
    if (this.#part !== 'chunk' && this.#part !== 'open') return false
    const lineStart = this.#length === 0 && !(this.#previous === CR && byte === LF)
    if (place === 'line') return this.#length > 1 && byte !== CR && byte !== LF
    // 10xxxxxx continues a character.
    if (place === 'character') return (byte & 0xc0) === 0x80
    if (place === 'crlf') return this.#previous === CR && byte === LF
    if (place === 'after-id') return lineStart && this.#afterId
    const blank = lineStart && (byte === CR || byte === LF)
    if (place === 'before-blank') return blank && this.#inEvent
    return lineStart && !blank && !this.#inEvent
  }

  #take(byte: number): void {
    this.bytes++
    if (this.#part === 'head') {
      this.#head += String.fromCharCode(byte)
      if (this.#head.endsWith(HEAD_END))
        this.#part = /\r\ntransfer-encoding: *chunked\r\n/i.test(this.#head) ? 'size' : 'open'
    } else if (this.#part === 'size') {
      if (byte !== LF) this.#size += String.fromCharCode(byte)
      else {
        this.#left = Number.parseInt(this.#size, 16)
        this.#part = this.#left === 0 ? 'chunk-close' : 'chunk'
        this.#last = this.#left === 0
        this.#size = ''
      }
    } else if (this.#part === 'chunk') {
      this.#text(byte)
      if (--this.#left === 0) this.#part = 'chunk-close'
    } else if (this.#part === 'chunk-close') {
      if (byte !== LF) return
      this.done = this.#last
      this.#part = 'size'
    } else this.#text(byte)
  }
  #last = false

  #text(byte: number): void {
    const tail = this.#previous === CR && byte === LF
    this.#previous = byte
    if (tail) return
    if (byte !== CR && byte !== LF) {
      if (this.#length++ < 3) this.#name += String.fromCharCode(byte)
      this.#inEvent = true
      this.#afterId = false
      return
    }
    if (this.#length === 0) {
      this.blanks++
      this.#inEvent = false
      this.#afterId = false
    } else
      this.#afterId = this.#name.startsWith('id') && (this.#name.length === 2 || this.#name.charCodeAt(2) === COLON)
    this.#length = 0
    this.#name = ''
  }
}
