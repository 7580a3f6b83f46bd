/**
 * The standard, written down as plainly as it can be: a whole body in, the list of calls out. It knows nothing of chunks,
 * speed or limits, and shares no line with `src`, not even the platform's decoder: what the two agree on is not a shared mistake.
 */

export type Event = { readonly type: string; readonly data: string; readonly id: string }

export type Call =
  | readonly ['event', Event]
  | readonly ['id', string]
  | readonly ['retry', number]
  | readonly ['comment', string]

export type PlainOptions = { lastEventId?: string | undefined; flush?: boolean | undefined }

/** What a parser must call for this body, in this order. Text is taken as already decoded, its BOM still there. */
export function plainParse(body: Uint8Array | string, options: PlainOptions = {}): Call[] {
  const calls: Call[] = []
  let text = typeof body === 'string' ? body : utf8(body)

  // §9.2.5: stream = [ bom ] *event. "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any."
  if (text.startsWith('\uFEFF')) text = text.slice(1)

  // `flush` is ours: the body is read as though whoever cut it short had still sent the end of its line and a blank line.
  if (options.flush) text += '\n\n'

  // "… a data buffer, an event type buffer, and a last event ID buffer … initialized to the empty string." The last one
  // goes on where an earlier body of the same connection left it.
  let data = ''
  let type = ''
  let id = options.lastEventId ?? ''
  let named = false

  for (const line of lines(text)) {
    if (line === '') {
      // "If the line is empty (a blank line): Dispatch the event"
      if (named) calls.push(['id', id])
      named = false
      // "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return."
      if (data !== '') {
        // "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the last character"
        calls.push(['event', { type: type === '' ? 'message' : type, data: data.slice(0, -1), id }])
      }
      data = ''
      type = ''
    } else if (line.startsWith(':')) {
      // "If the line starts with a U+003A COLON character (:): Ignore the line." We show it to whoever asks.
      calls.push(['comment', withoutSpace(line.slice(1))])
    } else if (line.includes(':')) {
      // "Collect the characters on the line before the first U+003A COLON character (:), and let field be that string.
      // Collect the characters on the line after the first U+003A COLON character (:), and let value be that string."
      const colon = line.indexOf(':')
      field(line.slice(0, colon), withoutSpace(line.slice(colon + 1)))
    } else {
      // "… using the whole line as the field name, and the empty string as the field value."
      field(line, '')
    }
  }
  // "Once the end of the file is reached, any pending data must be discarded."
  return calls

  function field(name: string, value: string) {
    // "Field names must be compared literally, with no case folding performed."
    if (name === 'event') type = value
    else if (name === 'data') data = `${data}${value}\n`
    else if (name === 'id') {
      // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
      if (value.includes('\0')) return
      id = value
      named = true
    } else if (name === 'retry') {
      // "If the field value consists of only ASCII digits, then interpret the field value as an integer in base ten"
      if (value !== '' && [...value].every((digit) => digit >= '0' && digit <= '9'))
        calls.push(['retry', Number(value)])
    }
    // "Otherwise: The field is ignored."
  }
}

/** "If value starts with a U+0020 SPACE character, remove it from value." */
function withoutSpace(value: string): string {
  return value.startsWith(' ') ? value.slice(1) : value
}

/**
 * §9.2.6: "a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF) character pair, a single U+000A LINE FEED (LF) character not
 * preceded by a U+000D CARRIAGE RETURN (CR) character, and a single U+000D CARRIAGE RETURN (CR) character not followed by a
 * U+000A LINE FEED (LF) character being the ways in which a line can end." What follows the last of them is no line.
 */
function lines(text: string): string[] {
  return text.split(/\r\n|\n|\r/).slice(0, -1)
}

/** The Encoding standard's UTF-8 decoder (§8.1.1), run over the whole body with error mode "replacement", BOM kept. */
export function utf8(bytes: Uint8Array): string {
  let out = ''
  let codePoint = 0
  let needed = 0
  let seen = 0
  let lower = 0x80
  let upper = 0xbf

  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (needed === 0) {
      if (byte <= 0x7f) out += String.fromCodePoint(byte)
      else if (byte >= 0xc2 && byte <= 0xdf) {
        needed = 1
        codePoint = byte & 0x1f
      } else if (byte >= 0xe0 && byte <= 0xef) {
        if (byte === 0xe0) lower = 0xa0
        if (byte === 0xed) upper = 0x9f
        needed = 2
        codePoint = byte & 0xf
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        if (byte === 0xf0) lower = 0x90
        if (byte === 0xf4) upper = 0x8f
        needed = 3
        codePoint = byte & 0x7
      } else out += '\uFFFD'
      continue
    }
    const inRange = byte >= lower && byte <= upper
    lower = 0x80
    upper = 0xbf
    if (!inRange) {
      // "Restore byte to ioQueue. Return error.": the byte is read again, as the start of something new.
      codePoint = needed = seen = 0
      out += '\uFFFD'
      at--
      continue
    }
    codePoint = (codePoint << 6) | (byte & 0x3f)
    if (++seen !== needed) continue
    out += String.fromCodePoint(codePoint)
    codePoint = needed = seen = 0
  }
  // "If byte is end-of-queue and UTF-8 bytes needed is not 0, then set UTF-8 bytes needed to 0 and return error."
  return needed === 0 ? out : `${out}\uFFFD`
}
