import { anything, bound, callable, eventType, milliseconds, type Rules, text } from '../check/rules.ts'
import { check, OptionError } from './check.ts'
import type { Authorize } from './door/authorize.ts'
import { judgeVerdict } from './door/grant.ts'
import { BodyError, readJson } from './http/body.ts'
import type { Exchange, Refusal } from './http/exchange.ts'
import { NodeExchange } from './http/node.ts'
import type { NodeRequest, NodeResponse } from './http/node-types.ts'
import { WebExchange } from './http/web.ts'
import { type Audience, type Everyone, toMessage } from './hub/audience.ts'
import type { Hub, HubStats } from './hub/options.ts'
import { report } from './report.ts'
import { within } from './within.ts'

/** Who may administer a hub, and how. */
export interface AdminOptions {
  /** Says who may use it, as a hub's `authorize` does: true, a grant that has not ended, false for 401, or a refusal with its status. `bearer` makes one of a secret. Required. */
  authorize: Authorize
  /** How long `authorize` may take, in milliseconds; then the answer is 500. Default: 10000. */
  authorizeTimeout?: number | undefined
  /** The longest body that is read, in bytes. Default: 65536. */
  maxBody?: number | undefined
  /** Hears of errors of `authorize` and of the log, which the caller is told as 500. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** Answers Node requests when it is called, and web requests through `fetch`. Both may be handed on as they are. */
export interface AdminHandler {
  (request: NodeRequest, response: NodeResponse): Promise<void>
  /** Answers a web request. Never rejects. */
  fetch(request: Request): Promise<Response>
}

const RULES: Rules = { authorize: callable, authorizeTimeout: milliseconds, maxBody: bound, onError: callable }

/** What a request is answered, as an error where it ends the handling early. */
class Answer extends Error implements Refusal {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    const isText = typeof body === 'string'
    super(isText ? body : JSON.stringify(body))
    this.status = status
    const type = isText ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json'
    this.headers = { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers }
  }
}

function fail(status: number, error: string, headers?: Record<string, string>): Answer {
  return new Answer(status, { error }, headers)
}

// biome-ignore lint/suspicious/noExplicitAny: whatever its events are, what comes in is checked here
type AnyHub = Hub<any, any>

interface Route {
  readonly method: string
  run(exchange: Exchange): Promise<Answer> | Answer
}

/**
 * `GET …/stats` (`?everywhere=true`), `GET …/metrics`, `POST …/broadcast` `{ event?, data, topic? }` and `POST …/send-to-user`
 * `{ user_id, event?, data }`, wherever it is mounted. Errors are JSON. Throws without `authorize`.
 */
export function adminHandler(hub: AnyHub, options: AdminOptions): AdminHandler {
  if (typeof options?.authorize !== 'function') {
    throw new OptionError('adminHandler needs authorize: whoever reaches it could publish to every reader')
  }
  check('adminHandler', options, RULES)
  const { maxBody = 65_536 } = options
  const routes: Readonly<Record<string, Route>> = {
    stats: { method: 'GET', run: async ({ url }) => new Answer(200, await stats(hub, url)) },
    metrics: { method: 'GET', run: () => new Answer(200, hub.metrics()) },
    broadcast: { method: 'POST', run: async (exchange) => broadcast(hub, await readJson(exchange, maxBody)) },
    'send-to-user': { method: 'POST', run: async (exchange) => sendToUser(hub, await readJson(exchange, maxBody)) },
  }
  const answer = async (exchange: Exchange): Promise<Answer> => {
    try {
      await admit(exchange, options)
      return await find(routes, exchange).run(exchange)
    } catch (error) {
      if (error instanceof Answer) return error
      if (error instanceof BodyError) return fail(error.status, error.message)
      report(error, options)
      return fail(500, 'this went wrong here, not with you')
    }
  }
  // What cannot be answered is told: the promise of a handler is nobody's to await.
  const handle = async <Kind extends Exchange>(make: () => Kind): Promise<Kind | undefined> => {
    try {
      const exchange = make()
      exchange.refuse(await answer(exchange))
      return exchange
    } catch (error) {
      report(error, options)
      return undefined
    }
  }
  const handler = async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    await handle(() => new NodeExchange(request, response))
  }
  const fetch = async (request: Request): Promise<Response> => {
    const exchange = await handle(() => new WebExchange(request))
    return exchange?.response ?? new Response(null, { status: 500 })
  }
  return Object.assign(handler, { fetch })
}

/** By the hub's own rule: what it refuses has no business here. */
async function admit(exchange: Exchange, { authorize, authorizeTimeout = 10_000 }: AdminOptions): Promise<void> {
  const verdict = judgeVerdict(await within(authorizeTimeout, 'authorize', authorize(exchange)))
  if (!('status' in verdict)) return
  const { status, message, headers } = verdict
  throw fail(status, message ?? (status === 401 ? 'who are you?' : 'not you'), {
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...headers,
  })
}

function find(routes: Readonly<Record<string, Route>>, { url, method }: Exchange): Route {
  const name = url.split(/[?#]/, 1)[0]?.split('/').pop() ?? ''
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined
  if (!route) throw fail(404, 'there are stats, metrics, broadcast and send-to-user')
  const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]
  if (!allowed.includes(method)) throw fail(405, `use ${route.method}`, { Allow: allowed.join(', ') })
  return route
}

/** With `?everywhere=true`, of all processes that share the log. */
function stats(hub: AnyHub, url: string): HubStats | Promise<HubStats> {
  const isEverywhere = new URLSearchParams(url.split('?')[1]).get('everywhere') === 'true'
  return isEverywhere ? hub.stats({ everywhere: true }) : hub.stats()
}

interface Body {
  readonly event?: string
  readonly data: unknown
  readonly topic?: string
  readonly user_id?: string
}

const EVENT: Rules = { event: eventType, data: anything }

function broadcast(hub: AnyHub, body: Record<string, unknown>): Promise<Answer> {
  const { topic, ...event } = checkBody(body, { ...EVENT, topic: text })
  return publish(hub, event, topic === undefined ? 'everyone' : { topic })
}

function sendToUser(hub: AnyHub, body: Record<string, unknown>): Promise<Answer> {
  const { user_id: user, ...event } = checkBody(body, { ...EVENT, user_id: text })
  if (user === undefined) throw fail(400, 'user_id is missing')
  return publish(hub, event, { user })
}

// A key that is not known is an addressee that was meant, and would be everyone.
function checkBody(body: Record<string, unknown>, rules: Rules): Body {
  try {
    check('the body', body, rules, { present: true })
  } catch (error) {
    throw fail(400, (error as Error).message)
  }
  if (!('data' in body)) throw fail(400, 'data is missing')
  return body as unknown as Body
}

async function publish(
  hub: AnyHub,
  { event, data }: Pick<Body, 'event' | 'data'>,
  audience: Audience | Everyone,
): Promise<Answer> {
  const outgoing = { type: event, data }
  try {
    // What cannot be an event is the caller's mistake, and nothing for `onError`.
    toMessage(outgoing, audience)
  } catch (error) {
    throw fail(400, (error as Error).message)
  }
  try {
    return new Answer(202, await hub.publish(outgoing, audience))
  } catch (error) {
    if ((error as { code?: unknown }).code === 'hub-closed') throw fail(503, 'the hub is closed')
    throw error
  }
}
