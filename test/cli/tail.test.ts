import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { HELP } from '../../src/cli/usage.ts'
import { listen, shut } from '../helpers/listen.ts'
import { type Run, run, runInto } from './run.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

let answer: Answer
const requests: { method: string | undefined; headers: IncomingMessage['headers']; body: string }[] = []
const server = createServer(async (request, response) => {
  requests.push({ method: request.method, headers: request.headers, body: await text(request) })
  await answer(request, response)
})
let url: string
let folder: string
const runs: Run[] = []
const tail = (...args: string[]) => {
  const one = run(url, ...args)
  runs.push(one)
  return one
}

/** Answers with an event stream of these bytes, and ends it or not. */
const streams =
  (body: string, end = false): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(body)
    if (end) response.end()
  }

beforeAll(async () => {
  url = `http://127.0.0.1:${await listen(server)}`
})
afterAll(() => shut(server))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unmissed-cli-'))
  requests.length = 0
})
afterEach(() => {
  for (const { child } of runs.splice(0)) child.kill('SIGKILL')
  server.closeAllConnections()
  rmSync(folder, { recursive: true })
})

const TWO = 'id: 1\ndata: a\ndata: b\n\nid: 2\nevent: tick\ndata: {"price":3}\n\n'

test('a pipe gets the data of each event, and nothing else', async () => {
  answer = streams(TWO)
  const { done, out } = tail('--max', '2')
  expect(await done).toBe(0)
  expect(out()).toBe('a\nb\n{"price":3}\n')
})

test('--json prints one line per event, with data that is JSON as JSON', async () => {
  answer = streams(TWO)
  const { done, out } = tail('--json', '-n', '2')
  expect(await done).toBe(0)
  expect(
    out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { type: 'message', data: 'a\nb', id: '1' },
    { type: 'tick', data: { price: 3 }, id: '2' },
  ])
})

test('--raw prints each event as a frame', async () => {
  answer = streams(TWO)
  const { done, out } = tail('--raw', '-n', '2')
  expect(await done).toBe(0)
  expect(out()).toBe('id: 1\ndata: a\ndata: b\n\nid: 2\nevent: tick\ndata: {"price":3}\n\n')
})

test('--raw passes on what an event may hold and a writer may not: NUL in a type, an id that is taken back', async () => {
  answer = streams('id: 1\nevent: a\0b\ndata: 1\n\nid\ndata: 2\n\ndata: 3\n\n')
  const { done, out, err } = tail('--raw', '-n', '3')
  expect([await done, err()]).toEqual([0, ''])
  expect(out()).toBe('id: 1\nevent: a\0b\ndata: 1\n\nid: \ndata: 2\n\ndata: 3\n\n')
})

test('--json leaves numbers as they were written, and nothing that a terminal would obey', async () => {
  const data = '{"big":12345678901234567890,\ndata: "c":"\u009b1m\u202e"}'
  answer = streams(`data: ${data}\n\nid: \u009bx\ndata: 1e999\n\ndata: \u009b\n\n`)
  const { done, out } = tail('--json', '-n', '3')
  expect(await done).toBe(0)
  expect(out().split('\n')).toEqual([
    '{"type":"message","data":{"big":12345678901234567890, "c":"\\u009b1m\\u202e"},"id":""}',
    '{"type":"message","data":1e999,"id":"\\u009bx"}',
    '{"type":"message","data":"\\u009b","id":"\\u009bx"}',
    '',
  ])
})

test('--timestamps begins each line with the time', async () => {
  answer = streams(TWO)
  const { done, out } = tail('-t', '-n', '1')
  await done
  expect(out()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z a\nb\n$/)
})

test('--event prints only the types it names, and --max counts only those', async () => {
  answer = streams(`${TWO}event: tock\ndata: 4\n\n`)
  const { done, out } = tail('--event', 'tick,tock', '--max', '2')
  expect(await done).toBe(0)
  expect(out()).toBe('{"price":3}\n4\n')
})

test('--event takes spaces beside its commas, and nothing for no type', async () => {
  answer = streams(TWO)
  const { done, out } = tail('--event', ' message, tick ,', '-n', '2')
  expect(await done).toBe(0)
  expect(out()).toBe('a\nb\n{"price":3}\n')
})

test('--until stops before the event with that data, with exit code 0', async () => {
  answer = streams('data: a\n\ndata: [DONE]\n\ndata: b\n\n')
  const { done, out } = tail('--until', '[DONE]')
  expect(await done).toBe(0)
  expect(out()).toBe('a\n')
})

test('-H, -u and -X are sent as curl sends them', async () => {
  answer = streams(TWO)
  await tail('-H', 'X-Key: a:b', '-H', 'accept-language: de', '-u', 'me:secret', '-X', 'REPORT', '-N', '-n', '1').done
  expect(requests[0]).toMatchObject({
    method: 'REPORT',
    headers: {
      'x-key': 'a:b',
      'accept-language': 'de',
      authorization: 'Basic bWU6c2VjcmV0',
      accept: 'text/event-stream',
    },
  })
})

test('a name and a password in the address go as -u sends them, and a name alone has an empty password', async () => {
  answer = streams(TWO)
  await run(url.replace('//', '//me:a%3Ab%zz@'), '-n', '1').done
  await run(url.replace('//', '//me:no@'), '-H', 'authorization: Bearer x', '-n', '1').done
  await tail('-u', 'me', '-n', '1').done
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([
    `Basic ${btoa('me:a%3Ab%zz')}`,
    'Bearer x',
    `Basic ${btoa('me:')}`,
  ])
})

test('-d posts, as JSON where it looks like JSON, and a file for @file', async () => {
  answer = streams(TWO)
  await tail('-d', '{"stream":true}', '-n', '1').done
  writeFileSync(join(folder, 'form'), 'b=2')
  await tail('-d', 'a=1', '-d', `@${join(folder, 'form')}`, '-n', '1').done
  expect(requests).toMatchObject([
    { method: 'POST', body: '{"stream":true}', headers: { 'content-type': 'application/json' } },
    { method: 'POST', body: 'a=1&b=2', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  ])
})

test('a POST is not sent twice', async () => {
  answer = streams('data: a\n\n', true)
  const { done, out } = tail('-d', 'x=1')
  expect(await done).toBe(0)
  expect(out()).toBe('a\n')
  expect(requests).toHaveLength(1)
})

test('a stream that ends is connected again after the last id, and --no-reconnect stops there', async () => {
  answer = (request, response) =>
    streams(request.headers['last-event-id'] ? 'id: 9\ndata: more\n\n' : 'retry: 10\n\nid: 8\ndata: a\n\n', true)(
      request,
      response,
    )
  const again = tail('-n', '2', '-s')
  expect(await again.done).toBe(0)
  expect(again.out()).toBe('a\nmore\n')
  expect(requests[1]?.headers['last-event-id']).toBe('8')
  expect(await tail('--no-reconnect').done).toBe(0)
  expect(requests).toHaveLength(3)
})

test('--last-id is sent with the first request', async () => {
  answer = streams(TWO)
  await tail('--last-id', '41', '-n', '1').done
  expect(requests[0]?.headers['last-event-id']).toBe('41')
})

test('--resume keeps the id of the last event that was printed, and resumes after it', async () => {
  answer = streams(TWO)
  const file = join(folder, 'id')
  expect(await tail('--resume', file, '-n', '1').done).toBe(0)
  expect(readFileSync(file, 'utf8')).toBe('1')
  await tail('--resume', file, '-n', '1').done
  expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1'])
})

test('--resume takes an id that was written with a line end', async () => {
  answer = streams(TWO)
  const file = join(folder, 'id')
  writeFileSync(file, '41\n')
  await tail('--resume', file, '-n', '1').done
  expect(requests[0]?.headers['last-event-id']).toBe('41')
})

test('--resume into a folder that is missing is told before anything is asked, with exit code 2', async () => {
  const { done, err } = tail('--resume', join(folder, 'missing', 'id'))
  expect(await done).toBe(2)
  expect(err()).toMatch(/^unmissed: --resume cannot write .*missing.*\n$/)
  expect(requests).toEqual([])
})

test('a resume file that cannot be written any more ends it with exit code 1, and says why', async () => {
  const inner = join(folder, 'inner')
  mkdirSync(inner)
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    rmSync(inner, { recursive: true })
    response.write(TWO)
  }
  const { done, out, err } = tail('--resume', join(inner, 'id'))
  expect(await done).toBe(1)
  expect(out()).toBe('a\nb\n')
  expect(err()).toMatch(/^--resume cannot write .*ENOENT.*\n$/)
})

test('several processes on one resume file disturb each other never, and leave nothing beside it', async () => {
  answer = streams(Array.from({ length: 200 }, (_, at) => `id: ${at}\ndata: ${at}\n\n`).join(''))
  const file = join(folder, 'id')
  const three = [1, 2, 3].map(() => tail('--resume', file, '-n', '200'))
  expect(await Promise.all(three.map(({ done }) => done))).toEqual([0, 0, 0])
  expect(three.map(({ err }) => err())).toEqual(['', '', ''])
  expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['199', ['id']])
})

test('what a reader that left was not given is not resumed after', async () => {
  let send = (_: string) => {}
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    send = (text) => response.write(text)
    send('id: 1\ndata: a\n\n')
  }
  const file = join(folder, 'id')
  const { child, done, sees } = tail('--resume', file)
  await sees('a\n')
  child.stdout.destroy()
  send('id: 2\ndata: b\n\nid: 3\ndata: c\n\n')
  expect(await done).toBe(0)
  expect(readFileSync(file, 'utf8')).toBe('1')
})

test.runIf(existsSync('/dev/full'))('an output that is full ends it with exit code 1, and says so', async () => {
  answer = streams(TWO)
  const file = join(folder, 'id')
  const { done, err } = runInto('/dev/full', url, '--resume', file)
  expect(await done).toBe(1)
  expect(err()).toMatch(/^standard output: .*ENOSPC.*\n$/)
  expect(existsSync(file)).toBe(false)
})

test('SIGTERM ends it as SIGINT does, with 143', async () => {
  answer = streams(TWO)
  const { child, done, sees, err } = tail()
  await sees('price')
  child.kill('SIGTERM')
  expect(await done).toBe(143)
  expect(err()).toBe("resume with --last-id '2'\n")
})

test('whoever reads what is told beside may leave, too', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    setTimeout(() => response.write(`: note\n${TWO}`), 50)
  }
  const { child, done, sees, out } = tail('-v', '-n', '2')
  await sees('< 200', 'stderr')
  child.stderr.destroy()
  expect(await done).toBe(0)
  expect(out()).toBe('a\nb\n{"price":3}\n')
})

test('nothing that a server says is obeyed on standard error: comments, headers, refusals, ids', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-note': '\x9b31m' })
    response.write(': \x1b]0;mine\x07\u202e\n\nid: \x1b[2J\x9b\ndata: a\n\n')
  }
  const { child, done, sees, err } = tail('-v', '--stats')
  await sees('a\n')
  child.kill('SIGINT')
  await done
  answer = (_, response) => response.writeHead(200, { 'content-type': 'text/\x9b31m' }).end()
  const refused = tail()
  await refused.done
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(err() + refused.err()).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  expect(err()).toContain('< x-note: \\x9b31m\n')
  expect(err()).toContain(': \\x1b]0;mine\\x07\\u202e\n')
  expect(err()).toContain("resume with --last-id $'\\u001b[2J\\u009b'\n")
})

test('SIGINT prints the id to resume with, and exits with 130', async () => {
  answer = streams(TWO)
  const { child, done, sees, err } = tail()
  await sees('price')
  child.kill('SIGINT')
  expect(await done).toBe(130)
  expect(err()).toBe("resume with --last-id '2'\n")
})

test('a reader that leaves ends it with exit code 0, without a stack trace', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write('data: a\n\n'), 5)
    response.on('close', () => clearInterval(timer))
  }
  const { child, done, sees, err } = tail()
  await sees('a\n')
  child.stdout.destroy()
  expect(await done).toBe(0)
  expect(err()).toBe('')
})

test('a refusal ends it with exit code 1, and says why', async () => {
  answer = (_, response) => response.writeHead(404).end()
  const { done, err } = tail()
  expect(await done).toBe(1)
  expect(err()).toContain('404')
})

test('--stats says what there was', async () => {
  answer = streams(TWO)
  const { done, err } = tail('--stats', '-n', '2')
  await done
  expect(err()).toMatch(
    new RegExp(`^2 events, ${TWO.length} B, [\\d.]+ s, [\\d.]+ events/s, 1 attempts, last id "2"\n$`),
  )
})

test('--stats counts attempts, and not the redirects of each', async () => {
  answer = (request, response) =>
    request.url === '/' ? response.writeHead(302, { location: '/there' }).end() : streams(TWO)(request, response)
  const { done, err } = tail('--stats', '-n', '2')
  await done
  expect(err()).toContain(', 1 attempts, ')
})

test('what cannot be reached is told with its reason, once', async () => {
  const { done, err } = run('http://127.0.0.1:9/', '--no-reconnect')
  expect(await done).toBe(1)
  expect(err().match(/ECONNREFUSED|bad port/g)).toHaveLength(1)
})

test('--verbose prints the status, the headers and the comments', async () => {
  answer = streams(`: hello\n\n${TWO}`)
  const { done, err } = tail('-v', '-n', '1')
  await done
  expect(err()).toContain('< 200\n')
  expect(err()).toContain('< content-type: text/event-stream\n')
  expect(err()).toContain(': hello\n')
})

test.each([
  ['no address', []],
  ['an unknown option', ['http://127.0.0.1', '--frobnicate']],
  ['two addresses', ['http://127.0.0.1', 'http://127.0.0.2']],
  ['an address that is none', ['http://']],
  ['another scheme', ['ftp://127.0.0.1']],
  ['a header without a name', ['http://127.0.0.1', '-H', 'oops']],
  ['a count that is none', ['http://127.0.0.1', '--max', '0']],
  ['a path alone', ['/events']],
  ['a body from a file that is missing', ['http://127.0.0.1', '-d', '@/missing']],
  ['a body from a folder', ['http://127.0.0.1', '-d', '@/']],
  ['standard input twice', ['http://127.0.0.1', '-d', '@-', '-d', '@-']],
  ['a port that no machine has', ['serve', '--port', '99999']],
  ['a host that no machine has', ['serve', '--port', '0', '--host', '256.0.0.1']],
  ['a resume file that is a folder', ['http://127.0.0.1', '--resume', '/']],
])('%s is told in one line, with exit code 2', async (_, args) => {
  const { done, out, err } = run(...args)
  expect(await done).toBe(2)
  expect(out()).toBe('')
  expect(err()).toMatch(/^unmissed: .+\n$/)
})

test('a mistake that takes several lines to tell is told in one', async () => {
  const { done, err } = run('serve', '--history', '-1')
  expect(await done).toBe(2)
  expect(err()).toMatch(/^unmissed: .*'--history' argument is ambiguous\. Did you .*\n$/)
})

test('--help fits a screen of 80 by 24', async () => {
  const { done, out } = run('--help')
  expect(await done).toBe(0)
  expect(out()).toBe(HELP)
  const lines = HELP.trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(24)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
})

test('--version is that of the package', async () => {
  const { done, out } = run('--version')
  expect(await done).toBe(0)
  expect(out().trim()).toBe(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version)
})
