import { comment, createParser, encode } from 'unmissed'

/** What the parser makes of these chunks: events as [type, data, id]. */
function parsed(...chunks) {
  const events = []
  const parser = createParser({ onEvent: ({ type, data, id }) => events.push([type, data, id]) })
  for (const chunk of chunks) parser.push(chunk)
  parser.end()
  return events
}

const utf8 = (text) => new TextEncoder().encode(text)

export const parse = [
  {
    name: 'lines end with LF, CR or CRLF, mixed in one stream',
    run: (t) =>
      t.equal(parsed('data: a\r\rdata: b\n\ndata: c\r\n\r\n'), [
        ['message', 'a', ''],
        ['message', 'b', ''],
        ['message', 'c', ''],
      ]),
  },
  {
    name: 'a stream cut at any byte gives the same events',
    run(t) {
      const bytes = utf8('\uFEFFid: 1\r\nevent: é\r\ndata: 日本\r\ndata: 😀\r\n\r\n: note\r\rdata:  two\n\n')
      const whole = parsed(bytes)
      t.equal(whole, [
        ['é', '日本\n😀', '1'],
        ['message', ' two', '1'],
      ])
      for (let at = 1; at < bytes.length; at++)
        t.equal(parsed(bytes.slice(0, at), bytes.slice(at)), whole, `cut at ${at}`)
      t.equal(parsed(...Array.from(bytes, (_, at) => bytes.slice(at, at + 1))), whole, 'byte by byte')
    },
  },
  {
    name: 'one byte order mark is removed, a second one is text',
    run: (t) => t.equal(parsed(utf8('\uFEFF\uFEFFdata: 1\n\ndata: 2\n\n')), [['message', '2', '']]),
  },
  {
    name: 'invalid UTF-8 becomes U+FFFD',
    run: (t) =>
      t.equal(parsed(new Uint8Array([...utf8('data: '), 0xff, 0xc3, 10, 10])), [['message', '\uFFFD\uFFFD', '']]),
  },
  {
    name: 'an event without its blank line is dropped at the end of the body',
    run: (t) => t.equal(parsed('data: a\n\nid: 2\ndata: b\n'), [['message', 'a', '']]),
  },
  {
    name: 'an id that holds NUL is ignored',
    run: (t) =>
      t.equal(parsed('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n'), [
        ['message', 'a', '1'],
        ['message', 'b', '1'],
      ]),
  },
  {
    name: 'a long line in small pieces costs time in proportion',
    run(t) {
      const piece = utf8('x'.repeat(256))
      const parser = createParser({ onEvent: ({ data }) => t.equal(data.length, 256 * 8192) })
      const began = Date.now()
      parser.push('data: ')
      for (let count = 0; count < 8192; count++) parser.push(piece)
      parser.push('\n\n')
      t.ok(Date.now() - began < 4000, `2 MiB in pieces of 256 bytes took ${Date.now() - began} ms`)
    },
  },
  {
    name: 'what was encoded parses to the same event',
    run(t) {
      const events = [
        { type: 'tick', data: ' two\nlines\r\n', id: '日本' },
        { type: 'message', data: '', id: '' },
        { type: '😀', data: ': not a comment', id: 'a b' },
      ]
      const frames = events.map((event) => encode(event) + comment('between')).join('')
      t.equal(
        parsed(utf8(frames)),
        events.map(({ type, data, id }) => [type, data.replace(/\r\n/g, '\n'), id]),
      )
    },
  },
].map((test) => ({ capability: 'parse', ...test }))
