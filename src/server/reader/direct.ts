import { type Internals, NodeExchange, type NodeSocket } from '../http/node.ts'

/**
 * The socket, where writing a chunk to it is the same as `response.write`: that frames the chunk anew for each reader,
 * which costs as much as sending it. Node does the same once the head is sent, no more and no less, if the response is
 * the one the socket is serving, is chunked, and nothing between us and the socket changes what is written. Wherever
 * that is not certain there is none, and the response is written to.
 */
export function directSocket(exchange: unknown): NodeSocket | undefined {
  if (!(exchange instanceof NodeExchange)) return undefined
  const { response } = exchange
  const { socket, chunkedEncoding } = response as Internals
  const runtime = globalThis as { process?: { versions?: { node?: string; bun?: string } }; Deno?: unknown }
  const versions = runtime.process?.versions
  // Others only resemble Node inside.
  if (!versions?.node || versions.bun || runtime.Deno) return undefined
  if (!chunkedEncoding || socket?._httpMessage !== response || response.hasHeader?.('content-encoding'))
    return undefined
  // Middleware that compresses, counts or records replaces `write` on the response or on a class of its own, and then
  // it is no longer the one that Node's own class has beside its inner workings.
  const base = owner(response, '_writeRaw')
  return base && base === owner(response, 'write') && base === owner(response, '_send') ? socket : undefined
}

function owner(object: object, name: string): object | undefined {
  let at = object
  while (at && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at)
  return at
}
