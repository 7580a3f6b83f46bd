/**
 * What the contenders read: each workload is one body, cut into chunks, with the events a reader must see.
 * Everything is made from a fixed seed, so two runs read the same bytes.
 */

const encoder = new TextEncoder()

/** A generator of the same numbers in every run (mulberry32); `whole(n)` is in 0 … n - 1. */
function random(seed) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return { whole: (below) => Math.floor(next() * below) }
}

/**
 * Collects the wire text, and beside it the events and the places of their data lines: the floor slices those places
 * without looking for them.
 */
function writer() {
  const parts = []
  const events = []
  const payloads = []
  let length = 0
  const write = (text) => {
    parts.push(text)
    length += text.length
  }
  const payload = (text) => {
    payloads.push(length, length + text.length)
    write(text)
  }
  return {
    write,
    payload,
    event: (type, data, id = '') => events.push({ type, data, id }),
    /** An event in the commonest form: named or not, one line of data. */
    plain(data, { type = 'message', end = '\n', space = ' ' } = {}) {
      if (type !== 'message') write(`event:${space}${type}${end}`)
      write(`data:${space}`)
      payload(data)
      write(end + end)
      events.push({ type, data, id: '' })
    },
    done: () => ({ text: parts.join(''), events, payloads }),
  }
}

const words = 'the of and to in is that for with as was on are by this from be at which or an have not were'.split(' ')
const latin = 'déjà élève Straße größer naïve señor coração über français año Ærø piñata garçon Zürich crème'.split(' ')
const emoji = ['😀', '🎉', '👩‍💻', '🇫🇷', '👍🏽', '🧪', '🚀', '❤️']

/** Chat completion chunks, a few characters of answer in 250 bytes of envelope. */
function tokens(pick, count, { end = '\n', word = () => ` ${words[pick.whole(words.length)]}` } = {}) {
  const out = writer()
  const id = Array.from(
    { length: 29 },
    () => 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789'[pick.whole(52)],
  ).join('')
  for (let i = 0; i < count; i++) {
    out.plain(
      `{"id":"chatcmpl-${id}","object":"chat.completion.chunk","created":1767225600,"model":"model-2026-01-01",` +
        `"service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{"index":0,"delta":{"content":` +
        `${JSON.stringify(word())}},"logprobs":null,"finish_reason":null}]}`,
      { end },
    )
  }
  return out
}

/** Named events with a small body, two lines each. */
function deltas(pick, count) {
  const out = writer()
  for (let i = 0; i < count; i++) {
    const text = JSON.stringify(` ${words[pick.whole(words.length)]}`)
    out.plain(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${text}}}`, {
      type: 'content_block_delta',
    })
  }
  return out
}

/** `size` letters of lower-case prose. */
function prose(pick, size) {
  let text = ''
  while (text.length < size) text += `${words[pick.whole(words.length)]} `
  return text.slice(0, size)
}

/** Cuts after every `size` bytes, wherever that is: inside a character, too. */
function every(size) {
  return (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

/** Cuts after one blank line, or after as many of them as `count()` says. */
function afterEvents(count) {
  return (bytes) => {
    const chunks = []
    let start = 0
    let left = count()
    for (let i = 1; i < bytes.length; i++) {
      if (bytes[i] !== 10 || bytes[i - 1] !== 10 || --left > 0) continue
      chunks.push(bytes.subarray(start, i + 1))
      start = i + 1
      left = count()
    }
    if (start < bytes.length) chunks.push(bytes.subarray(start))
    return chunks
  }
}

function workload(name, out, cut) {
  const { text, events, payloads } = out.done()
  const bytes = encoder.encode(text)
  const chunks = cut(bytes)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  // As TextDecoderStream hands them over: whole characters, and no empty strings.
  const texts = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).filter((piece) => piece !== '')
  return {
    name,
    size: bytes.length,
    bytes: chunks,
    text: texts,
    events,
    floor: floor(bytes, chunks, texts, payloads),
  }
}

/** The same chunks cut back to whole characters, each with the places in its text where data lies. */
function floor(bytes, chunks, texts, payloads) {
  const whole = []
  let start = 0
  let end = 0
  for (const chunk of chunks) {
    end += chunk.length
    let to = end
    if (end < bytes.length) while ((bytes[to] & 0xc0) === 0x80) to--
    if (to <= start) continue
    whole.push(bytes.subarray(start, to))
    start = to
  }
  let next = 0
  let offset = 0
  const places = texts.map((text) => {
    const found = []
    const until = offset + text.length
    for (; next < payloads.length && payloads[next] < until; next += 2) {
      found.push(Math.max(payloads[next], offset) - offset, Math.min(payloads[next + 1], until) - offset)
      if (payloads[next + 1] > until) break
    }
    offset = until
    return Uint32Array.from(found)
  })
  return { chunks: whole, places }
}

function emptyLines(count) {
  const out = writer()
  out.write('\n'.repeat(count))
  return out
}

function manyLines(pick, count, lines) {
  const out = writer()
  for (let i = 0; i < count; i++) {
    const texts = Array.from({ length: lines }, () => prose(pick, 20 + pick.whole(60)))
    for (const text of texts) {
      out.write('data: ')
      out.payload(text)
      out.write('\n')
    }
    out.write('\n')
    out.event('message', texts.join('\n'))
  }
  return out
}

function allFields(pick, count) {
  const out = writer()
  for (let i = 0; i < count; i++) {
    const first = `{"user":${pick.whole(1e6)},"note":"${prose(pick, 40)}",`
    const second = `"tags":["${prose(pick, 12)}","${prose(pick, 8)}"]}`
    out.write(`: heartbeat ${i}\r\nid: ${1e6 + i}\r\nevent: update\r\nretry: 3000\r\ndata: `)
    out.payload(first)
    out.write('\r\ndata: ')
    out.payload(second)
    out.write('\r\n\r\n')
    out.event('update', `${first}\n${second}`, String(1e6 + i))
  }
  return out
}

function oneLine(pick, sizes) {
  const out = writer()
  const text = prose(pick, 64 * 1024)
  for (const size of sizes) out.plain(text.repeat(Math.ceil(size / text.length)).slice(0, size))
  return out
}

function repeated(data, count, options) {
  const out = writer()
  for (let i = 0; i < count; i++) out.plain(typeof data === 'string' ? data : data(), options)
  return out
}

const KiB = 1024

/** The names, and how each is made: what is written, and how it is cut. `n` scales a size. */
const recipes = {
  'llm: one event a chunk': (pick, n) => [tokens(pick, n(10_000)), afterEvents(() => 1)],
  'llm: 1-5 events a chunk': (pick, n) => [tokens(pick, n(10_000)), afterEvents(() => 1 + pick.whole(5))],
  'llm: 64 KiB chunks': (pick, n) => [tokens(pick, n(10_000)), every(64 * KiB)],
  'named pairs: 1400 B chunks': (pick, n) => [deltas(pick, n(16_000)), every(1400)],
  'tiny events: 64 KiB chunks': (_, n) => [repeated('1', n(100_000), { space: '' }), every(64 * KiB)],
  'long lines: 16 KiB chunks': (pick, n) => [
    oneLine(
      pick,
      [64, 128, 256, 512, 1024].map((size) => n(size * KiB)),
    ),
    every(16 * KiB),
  ],
  '50-line data: 16 KiB chunks': (pick, n) => [manyLines(pick, n(800), 50), every(16 * KiB)],
  'all fields and CRLF: 16 KiB chunks': (pick, n) => [allFields(pick, n(10_000)), every(16 * KiB)],
  'accented latin: 16 KiB chunks': (pick, n) => [repeated(() => european(pick, 12), n(20_000)), every(16 * KiB)],
  'cjk: 1 KiB chunks': (pick, n) => [repeated(() => cjk(pick), n(20_000)), every(KiB)],
  'cjk: 64 KiB chunks': (pick, n) => [repeated(() => cjk(pick), n(20_000)), every(64 * KiB)],
  'emoji: 1 KiB chunks': (pick, n) => [
    repeated(() => Array.from({ length: 8 }, () => emoji[pick.whole(emoji.length)]).join(' '), n(10_000)),
    every(KiB),
  ],
  'llm: byte by byte': (pick, n) => [tokens(pick, n(240)), every(1)],
  'one 8 MiB line: 1 KiB chunks': (pick, n) => [oneLine(pick, [n(8 * KiB * KiB)]), every(KiB)],
  'a million empty lines': (_, n) => [emptyLines(n(1_000_000)), every(64 * KiB)],
  'llm with CR only: 16 KiB chunks': (pick, n) => [tokens(pick, n(10_000), { end: '\r' }), every(16 * KiB)],
}

/** Prose in which every fourth word has an accent, as in French. */
function european(pick, count) {
  const word = () => (pick.whole(4) ? words[pick.whole(words.length)] : latin[pick.whole(latin.length)])
  return Array.from({ length: count }, word).join(' ')
}

/** A line of 16 to 47 characters of three bytes each. */
function cjk(pick) {
  let text = ''
  for (let left = 16 + pick.whole(32); left > 0; left--) text += String.fromCharCode(0x4e00 + pick.whole(3000))
  return text
}

export const workloadNames = Object.keys(recipes)

/** `scale` is 1 in a real run, and small where a test only wants to see it run. */
export function makeWorkload(name, scale = 1) {
  const [out, cut] = recipes[name](random(7), (size) => Math.max(1, Math.round(size * scale)))
  return workload(name, out, cut)
}

/** What grows, for the question whether the cost grows with it and no faster. `n` scales a size. */
const growing = {
  'a longer line, 1 KiB chunks': (pick, n) => [oneLine(pick, [n(64 * KiB)]), every(KiB)],
  'a longer line, byte by byte': (pick, n) => [oneLine(pick, [n(4 * KiB)]), every(1)],
  'a longer comment, 1 KiB chunks': (pick, n) => [comment(pick, n(64 * KiB)), every(KiB)],
  'more events in one chunk': (_, n) => [repeated('1', n(2500)), (bytes) => [bytes]],
  'more lines in one event, 16 KiB chunks': (pick, n) => [manyLines(pick, 1, n(2500)), every(16 * KiB)],
  'more empty lines in one chunk': (_, n) => [emptyLines(n(5000)), (bytes) => [bytes]],
}

function comment(pick, size) {
  const out = writer()
  out.write(`:${prose(pick, size)}\n`)
  out.plain('after it')
  return out
}

export const shapeNames = Object.keys(growing)

export function makeShape(name, scale) {
  const [out, cut] = growing[name](random(7), (size) => Math.max(1, Math.round(size * scale)))
  return workload(name, out, cut)
}
