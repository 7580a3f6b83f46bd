import { afterEach, expect, test } from 'vitest'
import { freePort } from '../helpers/listen.ts'
import { recipeOf, startProxy } from '../recipes/proxies.ts'
import { type Run, run } from './run.ts'

const runs: Run[] = []
const start = (...args: string[]) => {
  const one = run(...args)
  runs.push(one)
  return one
}
afterEach(() => {
  for (const { child } of runs.splice(0)) child.kill('SIGKILL')
})

/** `unmissed serve` on a port, and where it is. */
async function serve(...args: string[]) {
  const server = start('serve', '--port', '0', ...args)
  await server.sees('\n')
  return { server, url: server.out().trim() }
}

test('serve publishes each line, and whoever comes later is given the history', async () => {
  const { server, url } = await serve()
  server.child.stdin.write('one\ntwo\n')
  const first = start(url, '-n', '2')
  expect(await first.done).toBe(0)
  expect(first.out()).toBe('one\ntwo\n')
  const second = start(url, '-n', '3')
  await second.sees('two\n')
  server.child.stdin.write('three\n')
  expect(await second.done).toBe(0)
  expect(second.out()).toBe('one\ntwo\nthree\n')
})

test('what one end prints as --json, the other takes as --json', async () => {
  const { server, url } = await serve('--json')
  server.child.stdin.write('{"type":"tick","data":{"price":3},"id":"x"}\nnot json\n{"type":"message","data":"a\\nb"}\n')
  const reader = start(url, '--json', '-n', '2')
  expect(await reader.done).toBe(0)
  const [tick, message] = reader
    .out()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(tick).toMatchObject({ type: 'tick', data: { price: 3 } })
  expect(message).toMatchObject({ type: 'message', data: 'a\nb' })
  expect(server.err()).toMatch(/^not published: /)
})

test('a line that is no event is told in one line, and the next one is published', async () => {
  const { server, url } = await serve('--json')
  const lines = ['null', '7', '{"type":"a"}', '{"type":"a\\u0000b","data":1}', '{"data":"good"}']
  server.child.stdin.write(`${lines.join('\n')}\n`)
  const reader = start(url, '-n', '1')
  expect(await reader.done).toBe(0)
  expect(reader.out()).toBe('good\n')
  const told = server.err().trimEnd().split('\n')
  expect(told).toHaveLength(4)
  for (const line of told) expect(line).toMatch(/^not published: /)
})

test('--exit ends with its input, readers are given all of it first', async () => {
  const { server, url } = await serve('--exit')
  const reader = start(url, '--no-reconnect')
  server.child.stdin.write('one\n')
  await reader.sees('one\n')
  server.child.stdin.end('two\n')
  expect(await server.done).toBe(0)
  expect(await reader.done).toBe(0)
  expect(reader.out()).toBe('one\ntwo\n')
})

test('SIGINT ends it with exit code 130', async () => {
  const { server } = await serve()
  server.child.kill('SIGINT')
  expect(await server.done).toBe(130)
})

test('SIGTERM ends it with exit code 0, also while its input goes on', async () => {
  const { server } = await serve()
  server.child.stdin.write('one\n')
  server.child.kill('SIGTERM')
  expect(await server.done).toBe(0)
})

test('a port that is taken is told in one line, with exit code 2', async () => {
  const { url } = await serve()
  const { done, err } = start('serve', '--port', new URL(url).port)
  expect(await done).toBe(2)
  expect(err()).toMatch(/^unmissed: .*EADDRINUSE/)
})

test('a reader survives the death of its server, and goes on with the next one', async () => {
  const port = `${await freePort()}`
  const first = start('serve', '--port', port)
  await first.sees('\n')
  first.child.stdin.write('before\n')
  const reader = start(`:${port}`, '-n', '2')
  await reader.sees('before\n')
  first.child.kill('SIGKILL')
  await first.done
  const second = start('serve', '--port', port)
  await second.sees('\n')
  await reader.sees('events after', 'stderr')
  second.child.stdin.write('after\n')
  expect(await reader.done).toBe(0)
  expect(reader.out()).toBe('before\nafter\n')
})

test('behind nginx each line arrives at once', async () => {
  const { server, url } = await serve()
  const site = await recipeOf('nginx')
  const nginx = await startProxy('nginx', site, Number(new URL(url).port))
  try {
    const reader = start(`http://127.0.0.1:${nginx.port}/events`, '-n', '2')
    server.child.stdin.write('one\n')
    await reader.sees('one\n')
    server.child.stdin.write('two\n')
    expect(await reader.done).toBe(0)
  } finally {
    await nginx.stop()
  }
})
