import { createServer, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Live } from '../../../src/client/store/live.ts'
import { createStore } from '../../../src/client/store/store.ts'
import { storage } from '../../../src/index.ts'
import { createRuns, type Production } from '../../../src/server/index.ts'
import { listen, shut } from '../../helpers/listen.ts'

// An answer in a component: it is shown whole again after a reload, asked for once, and stopped when somebody says so.

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function serve(produce: (production: Production) => unknown) {
  const runs = createRuns({ authorize: 'anyone', retry: 1 })
  const requests: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = []
  const server = createServer(async (request, response) => {
    const { method, url = '', headers } = request
    requests.push({ method, url, headers })
    let body = ''
    for await (const chunk of request) body += chunk
    const id = method === 'POST' ? body : url.slice('/chat/'.length)
    if (method === 'DELETE') {
      if (headers.authorization) response.writeHead((await runs.stop(id, 'enough')) ? 204 : 404).end()
      else response.writeHead(401).end()
      return
    }
    if (method === 'POST') await runs.start(id, produce)
    await runs.handle(request, response, id)
  })
  const port = await listen(server)
  undo.push(
    () => shut(server),
    () => runs.close({ within: 0 }),
  )
  return { url: `http://127.0.0.1:${port}/chat`, requests, runs }
}

function show(live: Partial<Live> & { url: string }) {
  const store = createStore({
    method: 'POST',
    body: 'q1',
    reduce: (text, { data }) => `${text}${data} `,
    initial: '',
    linger: 0,
    headers: { authorization: 'Bearer x' },
    ...live,
  } as Live)
  const leave = store.subscribe(() => {})
  undo.push(leave)
  const until = async (condition: (state: ReturnType<typeof store.getSnapshot>) => boolean) => {
    for (const end = performance.now() + 4000; !condition(store.getSnapshot()); ) {
      if (performance.now() > end) throw new Error(`not within 4 s: ${condition}`)
      await sleep(2)
    }
    return store.getSnapshot()
  }
  return { store, leave, until }
}

const page = () => {
  const kept = new Map<string, string>()
  return storage({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) })
}
const counting = async ({ send, signal }: Production) => {
  for (let n = 0; n < 40 && !signal.aborted; n++) {
    await send(`${n}`)
    await sleep(5)
  }
}
const ALL = `${Array.from({ length: 40 }, (_, n) => n).join(' ')} `

describe('a store of a run', () => {
  test('shows all of it again after a reload, and asks no second question', async () => {
    const { url, requests } = await serve(counting)
    const resume = page()
    const first = show({ url, resume })
    await first.until(({ data }) => `${data}`.includes(' 9 '))
    first.leave()
    const second = show({ url, resume })
    const { data, outcome, error } = await second.until(({ state }) => state === 'closed')
    expect([data, outcome, error]).toEqual([ALL, { state: 'finished' }, undefined])
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET'])
    expect(requests[1]?.headers['last-event-id']).toBeUndefined()
  })

  test('shows it once, however often its component comes and goes', async () => {
    const { url, requests } = await serve(counting)
    const { store, leave, until } = show({ url, linger: 50 })
    leave()
    undo.push(store.subscribe(() => {}))
    const { data } = await until(({ state }) => state === 'closed')
    expect([data, requests.length]).toEqual([ALL, 1])
  })

  test('asks again after the end only when it is told to', async () => {
    const { url, requests } = await serve(async ({ send }) => void (await send('a')))
    const { store, until } = show({ url, resume: page(), body: `q${requests.length}` })
    await until(({ state }) => state === 'closed')
    store.getSnapshot().reconnect()
    await until(({ state }) => state !== 'closed')
    const { data } = await until(({ state }) => state === 'closed')
    expect([data, requests.map(({ method }) => method)]).toEqual(['a ', ['POST', 'POST']])
  })

  test('stops it on the server, with the headers of now, which ends it for all', async () => {
    const { url, requests, runs } = await serve(counting)
    const one = show({ url })
    await one.until(({ data }) => `${data}`.includes('3 '))
    await one.store.getSnapshot().stop()
    const { outcome } = await one.until(({ state }) => state === 'closed')
    expect(outcome).toEqual({ state: 'stopped', reason: 'enough' })
    expect(requests.at(-1)).toMatchObject({ method: 'DELETE', url: '/chat/q1' })
    expect((await runs.get('q1'))?.state).toBe('stopped')
  })

  test('closing it stops nothing', async () => {
    const { url, runs } = await serve(counting)
    const { store, until } = show({ url })
    await until(({ data }) => `${data}`.includes('3 '))
    store.getSnapshot().close()
    expect(store.getSnapshot()).toMatchObject({ state: 'closed', outcome: undefined })
    expect((await runs.get('q1'))?.state).toBe('running')
  })

  test('says so where the server refuses to stop it', async () => {
    const { url } = await serve(counting)
    const { store, until } = show({ url, headers: undefined })
    await until(({ data }) => `${data}`.includes('3 '))
    await expect(store.getSnapshot().stop()).rejects.toMatchObject({ code: 'status', status: 401 })
  })

  test('stops it as the caller says', async () => {
    const { url, requests } = await serve(counting)
    const asked: string[] = []
    const { store, until } = show({ url, stop: (location) => void asked.push(location) })
    await until(({ data }) => `${data}`.includes('3 '))
    await store.getSnapshot().stop()
    expect([asked, requests.length]).toEqual([[`${url}/q1`], 1])
    store.getSnapshot().close()
    await store.getSnapshot().stop()
  })

  test('shows why it failed', async () => {
    const { url } = await serve(() => {
      throw new Error('secret')
    })
    const { until } = show({ url, onError: () => {} })
    const { error, outcome } = await until(({ state }) => state === 'closed')
    expect([error?.code, outcome]).toEqual(['run-failed', { state: 'failed', code: 'producer-failed' }])
  })
})
