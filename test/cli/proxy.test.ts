import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { proxyFor } from '../../src/cli/proxy.ts'
import { listen, shut } from '../helpers/listen.ts'
import { type Run, runIn } from './run.ts'

describe('the proxy that the environment names', () => {
  const named = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.href

  test.each<[string, Record<string, string>, string | undefined]>([
    ['http://a.example/', { http_proxy: 'http://p:8080' }, 'http://p:8080/'],
    ['https://a.example/', { http_proxy: 'http://p:8080' }, undefined],
    ['https://a.example/', { https_proxy: 'http://p:8080', HTTPS_PROXY: 'http://q' }, 'http://p:8080/'],
    ['https://a.example/', { HTTPS_PROXY: 'https://q' }, 'https://q/'],
    // In a CGI that is the `Proxy` header of whoever asks.
    ['http://a.example/', { HTTP_PROXY: 'http://p:8080' }, undefined],
    ['http://a.example/', { ALL_PROXY: 'http://p:8080' }, 'http://p:8080/'],
    ['http://a.example/', { http_proxy: '', all_proxy: 'http://p:8080' }, undefined],
    ['http://a.example/', { all_proxy: 'p:3128', ALL_PROXY: 'q:3128' }, 'http://p:3128/'],
    ['http://a.example/', { http_proxy: 'p' }, 'http://p:1080/'],
    ['http://a.example/', { http_proxy: 'http://p:80' }, 'http://p/'],
    ['http://a.example/', {}, undefined],
  ])('%s with %j is %s', (url, env, proxy) => {
    expect(named(url, env)).toBe(proxy)
  })

  test.each<[string, string, boolean]>([
    ['http://a.example/', 'b.example, a.example', true],
    ['http://x.a.example/', '.a.example', true],
    ['http://x.a.example/', 'A.Example', true],
    ['http://xa.example/', 'a.example', false],
    ['http://a.example./', 'a.example', true],
    ['http://a.example/', '*', true],
    ['http://a.example/', 'a.example:80', true],
    ['http://a.example:81/', 'a.example:80', false],
    ['http://10.1.2.3/', '10.0.0.0/8', true],
    ['http://11.1.2.3/', '10.0.0.0/8 127.0.0.1', false],
    ['http://127.0.0.1:3000/', '127.0.0.1', true],
    ['http://[::1]/', '[::1]', true],
    ['http://[fd00::1]/', 'fd00::/8', true],
    ['http://10.1.2.3/', '10.0.0.0/99, nonsense/8', false],
    ['http://a.example/', ', ,', false],
  ])('%s with no_proxy=%s goes past it: %s', (url, list, isPast) => {
    expect(named(url, { http_proxy: 'http://p:8080', no_proxy: list })).toBe(isPast ? undefined : 'http://p:8080/')
  })

  test('of another kind is told, and how to do without', () => {
    for (const proxy of ['socks5://p:1080', 'http://', 'ftp://p'])
      expect(() => named('http://a.example/', { all_proxy: proxy })).toThrow(/proxy.*no_proxy=a\.example/)
  })
})

describe('through a proxy', () => {
  const seen: { method: string | undefined; url: string | undefined; headers: IncomingMessage['headers'] }[] = []
  let refusal = 0
  const proxy = createServer((request, response) => {
    const { method, url = '', headers } = request
    seen.push({ method, url, headers })
    if (refusal) return void response.writeHead(refusal).end()
    const onward = send(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  const tunnels = new Set<Socket>()
  proxy.on('connect', ({ method, url = '', headers }: IncomingMessage, socket: Socket) => {
    seen.push({ method, url, headers })
    tunnels.add(socket)
    if (refusal) return void socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`)
    const onward = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Yes\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    for (const end of [socket, onward]) end.on('error', () => {}).on('close', () => onward.destroy())
  })

  const arrived: IncomingMessage['headers'][] = []
  const answer = (request: IncomingMessage, response: import('node:http').ServerResponse) => {
    arrived.push(request.headers)
    if (request.url === '/moved') return void response.writeHead(302, { location: '/events' }).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`retry: 10\nid: ${arrived.length}é\ndata: ${arrived.length}\n\n`)
    if (request.url === '/short') response.end()
  }
  const origin = createServer(answer)
  let secure: ReturnType<typeof createSecureServer>
  let ports: { proxy: number; origin: number; secure: number }
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-proxy-'))
  const runs: Run[] = []
  const start = (...[env, ...args]: Parameters<typeof runIn>) => {
    const one = runIn({ http_proxy: `http://me:secret@127.0.0.1:${ports.proxy}`, ...env }, ...args)
    runs.push(one)
    return one
  }

  beforeAll(async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string]
    const subject = ['-subj', '/CN=origin.example', '-addext', 'subjectAltName=DNS:origin.example']
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        ...subject,
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    )
    secure = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer)
    ports = { proxy: await listen(proxy), origin: await listen(origin), secure: await listen(secure) }
  })
  afterEach(() => {
    for (const { child } of runs.splice(0)) child.kill('SIGKILL')
    seen.length = 0
    arrived.length = 0
    refusal = 0
  })
  afterAll(async () => {
    for (const socket of tunnels) socket.destroy()
    await Promise.all([shut(proxy), shut(origin), shut(secure)])
    rmSync(folder, { recursive: true })
  })

  test('an http address is asked for as a whole, with the credentials of the proxy for it alone', async () => {
    const url = `http://127.0.0.1:${ports.origin}/short`
    const { done, out } = start({}, url, '-n', '2', '-u', 'you:word')
    expect(await done).toBe(0)
    expect(out()).toBe('1\n2\n')
    const proxied = `Basic ${btoa('me:secret')}`
    expect(seen.map(({ url, headers }) => [url, headers['proxy-authorization']])).toEqual(Array(2).fill([url, proxied]))
    expect(arrived.map(({ host, authorization, 'last-event-id': id }) => [host, authorization, id])).toEqual([
      [`127.0.0.1:${ports.origin}`, `Basic ${btoa('you:word')}`, undefined],
      [`127.0.0.1:${ports.origin}`, `Basic ${btoa('you:word')}`, Buffer.from('1é').toString('latin1')],
    ])
  })

  test('an https address is reached by a tunnel, which is encrypted for its name from end to end', async () => {
    const env = {
      https_proxy: `127.0.0.1:${ports.proxy}`,
      NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem'),
    }
    const { done, out, err } = start(env, `https://origin.example:${ports.secure}/moved`, '-n', '1', '-d', 'a=1')
    expect([await done, err()]).toEqual([0, ''])
    expect(out()).toBe('2\n')
    expect(seen.map(({ method, url }) => [method, url])).toEqual(
      Array(2).fill(['CONNECT', `origin.example:${ports.secure}`]),
    )
    expect(arrived[0]?.host).toBe(`origin.example:${ports.secure}`)
  })

  test('another certificate than that of the name is refused', async () => {
    const env = { https_proxy: `127.0.0.1:${ports.proxy}`, NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') }
    const { done, err } = start(env, `https://other.example:${ports.secure}/`, '--no-reconnect')
    expect(await done).toBe(1)
    expect(err()).toMatch(/other\.example/)
    expect(arrived).toEqual([])
  })

  test('one that refuses is told with its status, and without its credentials', async () => {
    refusal = 407
    const env = { https_proxy: `http://me:secret@127.0.0.1:${ports.proxy}` }
    const { done, err } = start(env, 'https://origin.example/', '--no-reconnect')
    expect(await done).toBe(1)
    expect(err()).toMatch(/proxy 127\.0\.0\.1:\d+ answered 407/)
    expect(err()).not.toContain('secret')
  })

  test('a process that ends lets go of its stream', async () => {
    const { child, done, sees } = start({}, `http://127.0.0.1:${ports.origin}/`)
    await sees('1\n')
    child.kill('SIGINT')
    expect(await done).toBe(130)
  })

  test('no_proxy goes past it', async () => {
    const { done } = start({ no_proxy: '127.0.0.1' }, `http://127.0.0.1:${ports.origin}/`, '-n', '1')
    expect([await done, seen, arrived.length]).toEqual([0, [], 1])
  })

  test('one of another kind ends it with exit code 2, before anything is asked', async () => {
    const { done, err } = start({ http_proxy: 'socks5://127.0.0.1:1' }, `http://127.0.0.1:${ports.origin}/`)
    expect([await done, arrived]).toEqual([2, []])
    expect(err()).toMatch(/^unmissed: .*proxy.*\n$/)
  })
})
