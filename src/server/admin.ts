import type { HubRequest, Refusal } from './http/exchange.ts'
import { NodeExchange, type NodeRequest, type NodeResponse } from './http/node.ts'
import type { Hub } from './hub/options.ts'
import { WebExchange } from './http/web.ts'

/** Who may administer a hub, and how. */
export interface AdminOptions {
  /** Says who may use it: true, false for 401, or a refusal with its status. `bearer` makes one of a secret. Required. */
  authorize: (request: HubRequest) => unknown
  /** The longest body that is read, in bytes. Default: 65536. */
  maxBody?: number | undefined
  /** Hears of errors of `authorize` and of the backplane, which the caller is told as 500. Default: `console.error`. */
  onError?: ((error: unknown) => void) | undefined
}

/** Answers Node requests when it is called, and web requests through `fetch`. */
export interface AdminHandler {
  (request: NodeRequest, response: NodeResponse): Promise<void>
  /** Answers a web request. Never rejects. */
  fetch(request: Request): Promise<Response>
}

/** What ends the handling of a request early, or in the end. */
class Answer extends Error implements Refusal {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string'
    super(text ? body : JSON.stringify(body))
    this.status = status
    const type = text ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json'
    this.headers = { 'Content-Type': type, 'Cache-Control': 'no-store', ...headers }
  }
}

function fail(status: number, error: string, headers?: Record<string, string>): Answer {
  return new Answer(status, { error }, headers)
}

/**
 * `GET …/stats`, `GET …/metrics`, `POST …/broadcast` `{ event?, data, topic? }` and `POST …/send-to-user`
 * `{ user_id, event?, data }`, wherever it is mounted. Errors are JSON. Throws without `authorize`.
 */
export function adminHandler(
  // biome-ignore lint/suspicious/noExplicitAny: whatever its events are, what comes in is checked here
  hub: Hub<any, any>,
  options: AdminOptions,
): AdminHandler {
  const { authorize, maxBody = 65_536, onError = console.error } = options ?? {}
  if (typeof authorize !== 'function') {
    throw new TypeError('adminHandler needs authorize: whoever reaches it could publish to every reader')
  }
  const routes: Record<
    string,
    { method: string; run: (exchange: NodeExchange | WebExchange) => Promise<Answer> | Answer }
  > = {
    stats: { method: 'GET', run: () => new Answer(200, hub.stats()) },
    metrics: { method: 'GET', run: () => new Answer(200, hub.metrics()) },
    broadcast: { method: 'POST', run: (exchange) => publish(exchange, 'topic', false) },
    'send-to-user': { method: 'POST', run: (exchange) => publish(exchange, 'user_id', true) },
  }

  async function publish(
    exchange: NodeExchange | WebExchange,
    addressee: 'topic' | 'user_id',
    required: boolean,
  ): Promise<Answer> {
    const body = await readJson(exchange, maxBody)
    const { event, data, [addressee]: name } = body
    if (data === undefined) throw fail(400, 'data is missing')
    if (event !== undefined && typeof event !== 'string') throw fail(400, 'event must be a string')
    if (name === undefined ? required : typeof name !== 'string') throw fail(400, `${addressee} must be a string`)
    const audience = addressee === 'topic' ? { topic: name as string } : { user: name as string }
    try {
      return new Answer(202, await hub.publish({ type: event, data }, audience))
    } catch (error) {
      // What the encoder refuses is the caller's mistake, all else is ours.
      if (error instanceof TypeError || error instanceof RangeError) throw fail(400, error.message)
      if ((error as { code?: unknown }).code === 'hub-closed') throw fail(503, 'the hub is closed')
      throw error
    }
  }

  async function answer(exchange: NodeExchange | WebExchange): Promise<Answer> {
    try {
      const agreed = (await authorize(exchange)) as Partial<Refusal> | boolean | undefined
      const status = agreed ? (typeof agreed === 'object' ? agreed.status : undefined) : 401
      if (status) {
        const { message = status === 401 ? 'who are you?' : 'not you', headers = {} } = Object(
          agreed,
        ) as Partial<Refusal>
        throw fail(status, message, { ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }), ...headers })
      }
      const name = exchange.url.split(/[?#]/, 1)[0]?.split('/').pop() ?? ''
      const route = Object.hasOwn(routes, name) ? routes[name] : undefined
      if (!route) throw fail(404, 'there are stats, metrics, broadcast and send-to-user')
      const allowed = route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]
      if (!allowed.includes(exchange.method)) throw fail(405, `use ${route.method}`, { Allow: allowed.join(', ') })
      return await route.run(exchange)
    } catch (error) {
      if (error instanceof Answer) return error
      onError(error)
      return fail(500, 'this went wrong here, not with you')
    }
  }

  const handler = async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const exchange = new NodeExchange(request, response)
    exchange.refuse(await answer(exchange))
  }
  const fetch = async (request: Request): Promise<Response> => {
    const exchange = new WebExchange(request)
    exchange.refuse(await answer(exchange))
    return exchange.response as Response
  }
  return Object.assign(handler, { fetch })
}

async function readJson(exchange: NodeExchange | WebExchange, maxBody: number): Promise<Record<string, unknown>> {
  // A form, which any page may send in its visitor's name, is not JSON.
  if (!/^application\/([^;]+\+)?json *(;|$)/i.test(exchange.header('content-type') ?? '')) {
    throw fail(415, 'send application/json')
  }
  const parsed = (exchange.raw as { body?: unknown }).body
  let value: unknown = parsed
  // Express' and others' body parsers leave what they read at `request.body`, and nothing in the request.
  if (exchange instanceof WebExchange || parsed === undefined) {
    if (Number(exchange.header('content-length')) > maxBody) throw tooLong(maxBody)
    const chunks: Uint8Array[] = []
    let length = 0
    const take = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length > maxBody) throw tooLong(maxBody)
      chunks.push(chunk)
    }
    await (exchange instanceof WebExchange ? readWeb(exchange.raw, take) : readNode(exchange.raw as NodeBody, take))
    const decoder = new TextDecoder('utf-8', { fatal: true })
    try {
      value = JSON.parse(chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode())
    } catch {
      throw fail(400, 'this is not JSON')
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail(400, 'send an object')
  return value as Record<string, unknown>
}

function tooLong(maxBody: number): Answer {
  return fail(413, `send at most ${maxBody} bytes`)
}

async function readWeb({ body }: Request, take: (chunk: Uint8Array) => void): Promise<void> {
  const reader = body?.getReader()
  try {
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) take(read.value)
  } catch (error) {
    reader?.cancel().catch(() => {})
    throw error
  }
}

interface NodeBody extends NodeRequest {
  on(event: string, listener: (value: never) => void): unknown
  off(event: string, listener: (value: never) => void): unknown
  resume(): unknown
}

// Listened to, not iterated: leaving a loop destroys the request, and the answer with it.
async function readNode(request: NodeBody, take: (chunk: Uint8Array) => void): Promise<void> {
  const { promise, resolve, reject } = deferred()
  const onData = (chunk: Uint8Array): void => {
    try {
      take(chunk)
    } catch (error) {
      reject(error)
    }
  }
  request.on('data', onData)
  request.on('end', resolve)
  const onEarly = (): void => reject(fail(400, 'the body ended early'))
  request.on('close', onEarly)
  request.on('error', onEarly)
  await promise.finally(() => {
    request.off('data', onData)
    // What still comes is let go, not kept.
    request.resume()
  })
}

function deferred(): { promise: Promise<void>; resolve(): void; reject(error: unknown): void } {
  let resolve = (): void => {}
  let reject = (_: unknown): void => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
