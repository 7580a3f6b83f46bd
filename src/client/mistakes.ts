import { ConnectError } from './errors.ts'
import type { ConnectOptions } from './options.ts'

const mistake = (message: string) => new ConnectError('invalid-option', message, false)

/** Where a request goes. Throws for what fetch could never ask, instead of asking again and again. */
export function toAddress(url: unknown, { fetch }: ConnectOptions): URL {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href
  if (!url) throw mistake('an address is missing: connect(url)')
  let address: URL
  try {
    address = new URL(url as string, base)
  } catch {
    throw mistake(
      `"${url}" is ${base ? 'no address' : 'relative, and here is no page that it could be relative to: write all of it, as http://localhost:3000/events'}`,
    )
  }
  // What a page was loaded by, such as an app of its own, it can ask; and a fetch of the caller's anything.
  if (!fetch && !/^(https?|blob|data):/.test(address.href) && !base?.startsWith(address.protocol))
    throw mistake(`"${url}" begins with ${address.protocol} where http:// or https:// was expected`)
  return address
}

/** Throws for names and values that no request can have. */
export function toHeaders(given: HeadersInit | undefined): Headers {
  try {
    return new Headers(given)
  } catch (cause) {
    throw new ConnectError('invalid-option', 'headers', false, { cause })
  }
}
