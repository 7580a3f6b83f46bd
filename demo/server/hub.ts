/**
 * The application: a feed of numbered events, notifications, rooms, answers in tokens, and its admin pages. It runs in
 * a process of its own, so that the demo can kill it: its log is in memory, and dies with it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { adminHandler, bearer, createHub, createRuns } from 'unmissed/server'
import { answer } from './tokens.ts'

/** How often the feed speaks, in milliseconds. */
const RHYTHM = 250

/** The number of the last event; a process that replaces another goes on where that one stopped. */
let last = Number(process.argv[2] ?? 0)

const hub = createHub({
  heartbeat: 2000,
  retry: 500,
  history: 20_000,
  maxQueued: 128 * 1024,
  // What is lost with the log is told, and made good: the application sends where it stands.
  onGap: (_, subscriber) => subscriber.send({ type: 'snapshot', data: { last } }),
  onError: console.error,
})

// Answers that outlive the page that asked for them.
const runs = createRuns({ authorize: 'anyone', heartbeat: 2000, retry: 500, keep: 60_000, onError: console.error })

const publish = (extra: object = {}) =>
  hub.publish({ type: 'tick', data: { n: ++last, at: Date.now(), ...extra } }, { topic: 'feed' })
/** Whose connections there are: where tabs share one, it is one of them. */
let tabs: string[] = []
setInterval(() => {
  publish()
  // Whoever hears it sees how many connections it came over.
  const data = { n: last, sockets: tabs.length, leader: tabs[0] }
  hub.publish({ type: 'tick', data }, { topic: 'tabs' })
}, RHYTHM)

const admin = adminHandler(hub, { authorize: bearer(process.env['ADMIN_TOKEN'] ?? 'demo') })

type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams, id: string) => unknown

const routes: Record<string, Route> = {
  'GET /events': (request, response, query) =>
    hub.handle(request, response, { topics: ['feed'], user: query.get('user') ?? undefined }),
  'GET /tabs': (request, response) => {
    const tab = `${request.headers['x-tab']}`
    tabs.push(tab)
    response.on('close', () => {
      tabs = tabs.toSpliced(tabs.indexOf(tab), 1)
    })
    return hub.handle(request, response, { topics: ['tabs'] })
  },
  'GET /people': (request, response, query) =>
    hub.handle(request, response, { user: query.get('user') ?? undefined, topics: [`room:${query.get('room')}`] }),
  'POST /flood': async (_, response, query) => {
    const filler = 'x'.repeat(Number(query.get('bytes') ?? 0))
    for (let i = 0; i < Math.min(Number(query.get('events')), 10_000); i++) publish({ filler })
    response.writeHead(202).end()
  },
  'POST /say': async (request, response, query) => {
    const user = query.get('user')
    const to = user === null ? `in the ${query.get('room')}` : `to ${user} alone`
    const data = { text: (await text(request)).slice(0, 500), to, at: Date.now() }
    const audience = user === null ? { topic: `room:${query.get('room')}` } : { user }
    await hub.publish({ type: 'said', data }, audience)
    response.writeHead(202).end()
  },
  'POST /chat': async (request, response) => {
    const prompt = await text(request)
    const { id } = await runs.start(undefined, async ({ send, signal }) => {
      for await (const token of answer(prompt, signal)) await send({ type: 'token', data: { token } })
    })
    await runs.handle(request, response, id)
  },
  'GET /chat/:id': (request, response, _, id) => runs.handle(request, response, id),
  'DELETE /chat/:id': async (_, response, __, id) => {
    response.writeHead((await runs.stop(id)) ? 204 : 404).end()
  },
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hub')
  const [, id = ''] = /^\/chat\/(.+)/.exec(pathname) ?? []
  const route = routes[`${request.method} ${id ? '/chat/:id' : pathname}`]
  if (route) await route(request, response, searchParams, id)
  else if (pathname.startsWith('/admin/')) await admin(request, response)
  else response.writeHead(404).end()
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
setInterval(() => process.send?.({ last }), RHYTHM)

process.on('disconnect', () => process.exit())
process.on('message', async () => {
  await Promise.all([hub.close({ within: 500, retry: 300 }), runs.close({ within: 500 })])
  process.exit()
})

async function text(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body = (body + chunk).slice(0, 10_000)
  return body
}
