import { lengthOf } from './strings.ts'

/**
 * Turns the bytes of one body into text, "UTF-8 decode" of the Encoding standard but for the byte order mark, which
 * belongs to the parser. A character that is cut stays here until its rest has come.
 */
export function createDecoder() {
  // Two decoders, because on Node 20 and 22 streaming costs 5 times as much on plain ASCII, once and for all for a
  // decoder that has streamed; on other text it is the faster one.
  const whole = new TextDecoder('utf-8', { ignoreBOM: true })
  const streaming = new TextDecoder('utf-8', { ignoreBOM: true })
  /** Whether `streaming` may hold the beginning of a character. */
  let torn = false
  /** Whether the text so far makes us expect more than ASCII. */
  let wide = false
  // Bytes that came in pieces too small to be decoded one by one; never a line end, so nothing waits for them.
  const few = new Uint8Array(96)
  let held = 0

  /** The text that these bytes complete, with what was held back before them. */
  function push(bytes: Uint8Array): string {
    const { length } = bytes
    // Below 24 bytes a call of TextDecoder costs more than its work.
    if (length < 24) {
      let complete = false
      for (let i = 0; i < length; i++) {
        const byte = bytes[i] as number
        few[held++] = byte
        if (byte === 10 || byte === 13) complete = true
      }
      return complete || held > 72 ? release() : ''
    }
    return held ? release() + decode(bytes) : decode(bytes)
  }

  function release(): string {
    const bytes = few.subarray(0, held)
    held = 0
    return decode(bytes)
  }

  function decode(bytes: Uint8Array): string {
    const { length } = bytes
    const cut = (bytes[length - 1] as number) > 127
    const text = torn || wide || cut ? streaming.decode(bytes, { stream: true }) : whole.decode(bytes)
    torn = cut
    wide = lengthOf(text) < length
    return text
  }

  /** What was held back; a character that will not be completed becomes U+FFFD. */
  function end(): string {
    const text = streaming.decode(few.subarray(0, held))
    held = 0
    torn = false
    return text
  }

  return { push, end }
}
