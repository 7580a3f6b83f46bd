import type { Internals, NodeResponse, NodeSocket } from './node-types.ts'

/**
 * The socket, where writing a chunk to it is the same as `response.write`: that frames the chunk anew for each reader,
 * which costs as much as sending it. Node does the same once the head is sent, no more and no less, if the response is
 * the one the socket is serving, is chunked, and nothing between us and the socket changes what is written. Wherever
 * that is not certain there is none, and the response is written to.
 */
export function directSocket(response: NodeResponse & Internals): NodeSocket | undefined {
  const { socket, chunkedEncoding } = response
  if (!chunkedEncoding || socket?._httpMessage !== response || response.hasHeader?.('content-encoding'))
    return undefined
  return writesAsNode(response) ? socket : undefined
}

/**
 * Whether `write` is Node's own. Middleware that compresses, counts or records replaces it on the response, on a class of
 * its own or on Node's; it may hold bytes back, and forget to call back when they have left.
 */
export function writesAsNode(response: NodeResponse): boolean {
  const runtime = globalThis as { process?: { versions?: { node?: string; bun?: string } }; Deno?: unknown }
  const versions = runtime.process?.versions
  // Others only resemble Node inside.
  if (!versions?.node || versions.bun || runtime.Deno) return false
  const base = owner(response, '_writeRaw')
  if (!base || base !== owner(response, 'write') || base !== owner(response, '_send')) return false
  return isNodes(base, 'write', 'write_(') && isNodes(base, '_send', '_writeRaw(') && isNodes(base, '_writeRaw', 'conn')
}

const known = new WeakMap<object, boolean>()

// Read once per function: whoever replaces one of Node's writes another text, and calls the first by another name.
function isNodes(base: object, name: string, calls: string): boolean {
  const method = (base as Record<string, unknown>)[name]
  if (typeof method !== 'function') return false
  let is = known.get(method)
  if (is === undefined) {
    is = method.name === name && Function.prototype.toString.call(method).includes(calls)
    known.set(method, is)
  }
  return is
}

function owner(object: object, name: string): object | undefined {
  let at = object
  while (at && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at)
  return at
}
