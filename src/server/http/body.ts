import type { Exchange } from './exchange.ts'
import { NodeExchange } from './node.ts'
import type { NodeRequest } from './node-types.ts'
import { WebExchange } from './web.ts'

/** Why a body cannot be taken: the status to answer with, and what to say. */
export class BodyError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Reads a request's JSON object, at most so many bytes of it. Rejects with a `BodyError`. */
export async function readJson(exchange: Exchange, maxBody: number): Promise<Record<string, unknown>> {
  // A form, which any page may send in its visitor's name, is not JSON.
  if (!/^application\/([^;]+\+)?json *(;|$)/i.test(exchange.header('content-type') ?? '')) {
    throw new BodyError(415, 'send application/json')
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
    if (exchange instanceof NodeExchange) await readNode(exchange.raw as NodeBody, take)
    else await readWeb(exchange.raw as Request, take)
    const decoder = new TextDecoder('utf-8', { fatal: true })
    try {
      value = JSON.parse(chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode())
    } catch {
      throw new BodyError(400, 'this is not JSON')
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BodyError(400, 'send an object')
  return value as Record<string, unknown>
}

function tooLong(maxBody: number): BodyError {
  return new BodyError(413, `send at most ${maxBody} bytes`)
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
  const onEarly = (): void => reject(new BodyError(400, 'the body ended early'))
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
