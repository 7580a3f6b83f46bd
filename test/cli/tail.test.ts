import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { HELP } from '../../src/cli/usage.ts'
import { listen, shut } from '../helpers/listen.ts'
import { type Run, run } from './run.ts'

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

test('SIGINT prints the id to resume with, and exits with 130', async () => {
  answer = streams(TWO)
  const { child, done, sees, err } = tail()
  await sees('price')
  child.kill('SIGINT')
  expect(await done).toBe(130)
  expect(err()).toBe('resume with --last-id "2"\n')
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
])('%s is told in one line, with exit code 2', async (_, args) => {
  const { done, out, err } = run(...args)
  expect(await done).toBe(2)
  expect(out()).toBe('')
  expect(err()).toMatch(/^unmissed: .+\n$/)
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
