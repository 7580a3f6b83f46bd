import { createServer, get, type IncomingMessage, request, type Server } from 'node:http'
import { connect as dial } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OutgoingEvent } from '../../src/protocol/event.ts'
import { accept, adminHandler, type Connection, createHub, type Hub } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { utf8 } from '../helpers/plain-parser.ts'
import { scaled } from './scale.ts'

/** Everything that ends a line somewhere, everything that begins a field, and what encoders stumble over. */
const hostile = fc
  .array(
    fc.constantFrom(
      ...[
        '\r',
        '\n',
        '\r\n',
        '\n\n',
        '\r\r',
        '\0',
        '\u2028',
        '\u2029',
        '\u0085',
        '\v',
        '\f',
        '\uFEFF',
        '\ud800',
        '\udc00',
      ],
      ...[
        'data: injected',
        'event: injected',
        'id: injected',
        'retry: 1',
        ':',
        ': ',
        ' ',
        '\t',
        'é',
        '日本',
        '😀',
        'a',
        '1.5',
        '"',
        '\\n',
      ],
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

const field = fc.option(hostile, { nil: undefined })
const retry = fc.oneof(fc.constant(undefined), fc.nat(), fc.double(), fc.integer(), hostile as fc.Arbitrary<unknown>)
const json = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.dictionary(hostile, hostile), fc.array(hostile))
const event = fc.record({ type: field, id: field, data: fc.oneof(field, json), retry }) as fc.Arbitrary<OutgoingEvent>

const runs = { numRuns: scaled(1500, 100_000) }

/** A lone surrogate cannot leave the process: encoding puts U+FFFD in its place. */
const wellFormed = (text: string) => utf8(new TextEncoder().encode(text))

/** The lines that this event, and nothing else, stands for; `undefined` where it must be refused. Written apart from the encoder. */
function asked({ type, id, data, retry }: OutgoingEvent): string[] | undefined {
  const breaks = (value: string) => ['\r', '\n', '\0'].some((character) => value.includes(character))
  if ((type !== undefined && breaks(type)) || (id !== undefined && breaks(id))) return undefined
  if (retry !== undefined && !/^[0-9]+$/.test(String(typeof retry === 'number' ? retry : 'no number'))) return undefined
  if (retry !== undefined && !Number.isSafeInteger(retry)) return undefined
  const text = typeof data === 'string' ? data : data === undefined ? undefined : JSON.stringify(data)
  return [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(type ? [`event: ${type}`] : []),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(text === undefined ? [] : text.split(/\r\n|\r|\n/).map((line) => `data: ${line}`)),
  ].map(wellFormed)
}

/** Every way in which any reader ends a line. What is left of a block is its lines, without the blank one. */
function blocks(wire: string): string[][] {
  const found: string[][] = [[]]
  for (const line of wire.split(/\r\n|\n|\r/).slice(0, -1)) {
    if (line === '') found.push([])
    else found.at(-1)?.push(line)
  }
  return found.filter((block) => block.length > 0)
}

/** The wire itself: what came since the last time, up to the block that says it is the last. */
class Wire {
  readonly headers: IncomingMessage['headers']
  readonly #response: IncomingMessage
  #bytes = Buffer.alloc(0)
  #heard = () => {}

  constructor(response: IncomingMessage) {
    this.headers = response.headers
    this.#response = response
    response.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#heard()
    })
    response.on('error', () => {})
  }

  static async open(url: string): Promise<Wire> {
    const wire = new Wire(
      await new Promise((resolve, reject) => get(url, { agent: false }, resolve).on('error', reject)),
    )
    await wire.until(':\n\n')
    return wire
  }

  async until(end: string): Promise<string> {
    for (;;) {
      const at = this.#bytes.indexOf(end)
      if (at >= 0) {
        const before = utf8(this.#bytes.subarray(0, at))
        this.#bytes = this.#bytes.subarray(at + Buffer.byteLength(end))
        return before
      }
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  drop(): void {
    this.#response.destroy()
  }
}

describe('no value of any field can start a line of its own', () => {
  const END = 'data: END\n\n'
  /** The hub gives the last event an id, too, which stands before its data. */
  const OWN_ID = /id: \w+\.\d+\n$/
  let hub: Hub
  let server: Server
  let url: string
  let accepted: Connection

  beforeAll(async () => {
    hub = createHub({ heartbeat: 0, onError: () => {} })
    const admin = adminHandler(hub, { authorize: () => true })
    server = createServer((incoming, response) => {
      if (incoming.url === '/accept') accepted = accept(incoming, response, { heartbeat: 0, onError: () => {} })
      else if (incoming.method === 'POST') admin(incoming, response)
      else hub.handle(incoming, response)
    })
    url = `http://127.0.0.1:${await listen(server)}`
  })
  afterAll(async () => {
    await hub.close()
    await shut(server)
  })

  /** Whatever `write` was asked for, `expected` is all that may be on the wire. */
  async function check(
    wire: Wire,
    expected: string[] | undefined,
    write: () => unknown,
    end: () => unknown,
    unnamed = false,
  ) {
    let refused = false
    try {
      await write()
    } catch {
      refused = true
    }
    await end()
    const found = blocks((await wire.until(END)).replace(OWN_ID, '')).map((block) =>
      unnamed ? block.filter((line) => !/^id: \w+\.\d+$/.test(line)) : block,
    )
    if (expected === undefined) expect({ refused, found: found.flat() }).toEqual({ refused: true, found: [] })
    else
      expect({ refused, found: found.filter((block) => block.length > 0) }).toEqual({
        refused: false,
        found: expected.length > 0 ? [expected] : [],
      })
  }

  it('through accept.send', async () => {
    const wire = await Wire.open(`${url}/accept`)
    const end = () => accepted.send('END')
    await fc.assert(
      fc.asyncProperty(event, (each) => check(wire, asked(each), () => accepted.send(each), end)),
      runs,
    )
    wire.drop()
  })

  it('through the text that accept.send takes in place of an event', async () => {
    const wire = await Wire.open(`${url}/accept`)
    const end = () => accepted.send('END')
    await fc.assert(
      fc.asyncProperty(hostile, (text) => check(wire, asked({ data: text }), () => accepted.send(text), end)),
      runs,
    )
    wire.drop()
  })

  it('through a comment', async () => {
    const wire = await Wire.open(`${url}/accept`)
    await fc.assert(
      fc.asyncProperty(hostile, (text) => {
        const line = wellFormed(text === '' ? ':' : `: ${text}`)
        const expected = /[\r\n\0]/.test(text) ? undefined : [line]
        return check(
          wire,
          expected,
          () => accepted.comment(text),
          () => accepted.send('END'),
        )
      }),
      runs,
    )
    wire.drop()
  })

  // The hub's own rules come on top: ids that could not return in a header are refused, and `gap` is its own type.
  it('through hub.publish', async () => {
    const wire = await Wire.open(`${url}/hub`)
    await hub.publish({ data: 'END' })
    await wire.until(END)
    const publishable = (each: OutgoingEvent) => {
      if (
        each.id !== undefined &&
        (each.id === '' ||
          // The ends of a header's value are trimmed on its way.
          /^[\t ]|[\t ]$/.test(each.id) ||
          [...each.id].some((one) => (one < ' ' && one !== '\t') || one === '\x7f'))
      )
        return undefined
      const lines = asked(each)
      if (lines && each.type && each.data === undefined) return [...lines, 'data: ']
      return lines
    }
    let number = 0
    await fc.assert(
      fc.asyncProperty(event, (each) => {
        // A hub takes an id once.
        const once = each.id ? { ...each, id: `${each.id}${number++}` } : each
        const end = () => hub.publish({ data: 'END' })
        return check(wire, publishable(once), () => hub.publish(once), end, once.id === undefined)
      }),
      runs,
    )
    wire.drop()
  })

  it('through a POST to the admin handler', async () => {
    const wire = await Wire.open(`${url}/hub`)
    await hub.publish({ data: 'END' })
    await wire.until(END)
    const post = (body: unknown) =>
      new Promise<void>((resolve, reject) => {
        const headers = { 'content-type': 'application/json' }
        request(`${url}/broadcast`, { method: 'POST', headers }, (response) => {
          response.resume()
          if ((response.statusCode ?? 500) < 300) resolve()
          else reject(new Error(String(response.statusCode)))
        })
          .on('error', reject)
          .end(JSON.stringify(body))
      })
    await fc.assert(
      fc.asyncProperty(hostile, json, (type, data) =>
        check(
          wire,
          asked({ ...(type && { type }), data }),
          () => post({ ...(type && { event: type }), data }),
          () => hub.publish({ data: 'END' }),
          true,
        ),
      ),
      { numRuns: scaled(400, 20_000) },
    )
    wire.drop()
  })

  // What a reader sends comes back to it in the head and in the `gap` event.
  it('through the id that a request resumes after', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (id) => {
        const raw = await answer(`GET /hub?lastEventId=${encodeURIComponent(wellFormed(id))} HTTP/1.1`)
        const end = raw.indexOf('\r\n\r\n')
        const names = raw
          .slice(0, end)
          .split(/\r\n|\r|\n/)
          .slice(1)
          .map((line) => line.split(':')[0]?.toLowerCase())
        for (const name of names) expect(KNOWN_HEADERS).toContain(name)
        for (const line of blocks(raw.slice(end + 4)).flat())
          expect(line).not.toMatch(/^(data|event|id|retry): ?injected|^retry: 1$/)
      }),
      { numRuns: scaled(300, 10_000) },
    )
  })

  const KNOWN_HEADERS = [
    ...['content-type', 'cache-control', 'x-accel-buffering', 'unmissed', 'last-event-id', 'date', 'connection'],
    ...[
      'keep-alive',
      'transfer-encoding',
      'content-length',
      'vary',
      'access-control-expose-headers',
      'x-content-type-options',
    ],
  ]

  /** The undecoded answer of a request that ends as soon as something of its body is there. */
  function answer(line: string): Promise<string> {
    const { port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = dial(Number(port), '127.0.0.1')
      let raw = ''
      socket.on('error', reject)
      socket.on('data', (chunk) => {
        raw += chunk.toString('latin1')
        const body = raw.split('\r\n\r\n')[1]
        // HTTP/1.0 has no chunks: what follows the head is the body as it is.
        if (body && /\n\n$|^[^:]*$/.test(body)) socket.destroy()
      })
      socket.on('close', () => resolve(raw))
      socket.write(`${line.replace('HTTP/1.1', 'HTTP/1.0')}\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`)
    })
  }
})
