import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { createHub, type HubOptions, type Subscription } from '../../../src/server/index.ts'

// Each row of the guide's table is caused here, and its text is the very answer.

const guide = readFileSync(new URL('../../../src/server/door/README.md', import.meta.url), 'utf8')
const rows = [...guide.matchAll(/^\| (\d{3}) \| `([^`]+)` \|/gm)].map(([, status, text]) => `${status} ${text}`)

const told = new Set<string>()

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
}

async function ask(options: HubOptions, { method = 'GET', headers = {} }: Asked = {}, subscription: Subscription = {}) {
  const hub = createHub({ onError() {}, ...options })
  const accepted = { accept: 'text/event-stream', ...headers }
  const request = () => new Request('http://a.test/', { method, headers: accepted })
  const answers = [await hub.fetch(request(), subscription), await hub.fetch(request(), subscription)]
  if (answers[1]?.status === 200) {
    const closing = hub.close()
    answers.push(await hub.fetch(request(), subscription))
    await closing
  }
  for (const answer of answers) if (answer.status === 200) await answer.body?.cancel()
  const last = answers.at(-1) as Response
  await hub.close()
  const text = `${last.status} ${await last.text()}`
  told.add(text)
  return text
}

const never = () => new Promise<never>(() => {})

test.each<[string, HubOptions, Asked?, Subscription?]>([
  ['400 a last event id has', {}, { headers: { 'last-event-id': 'x'.repeat(2000) } }],
  ['401 this stream asks', { authorize: () => false }],
  ['403 these topics', { authorize: () => ({ topics: ['a'] }) }, {}, { topics: ['b'] }],
  ['405 use GET', {}, { method: 'DELETE' }],
  ['406 this is a stream', {}, { headers: { accept: 'text/html' } }],
  ['429 there are too many connections from', { limits: { perAddress: 1, address: () => 'a' } }],
  ['429 this user', { limits: { perUser: 1 }, authorize: () => ({ user: 'a' }) }],
  ['500 this went wrong', { authorize: () => ({ topics: 'a' }) as never }],
  ['503 there are too many connections', { limits: { connections: 1 } }],
  ['503 too many readers', { limits: { arrivals: 0.001 } }],
  ['503 the server is about to stop', {}],
  ['503 this cannot be', { authorize: never, authorizeTimeout: 5 }],
])('%s', async (beginning, options, asked, subscription) => {
  expect(await ask(options, asked, subscription)).toMatch(new RegExp(`^${beginning.replace('?', '\\?')}`))
})

afterAll(() => {
  expect([...told].sort()).toEqual([...rows].sort())
})
