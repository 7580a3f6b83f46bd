import type { Exchange } from '../http/exchange.ts'
import { latin1, merged } from '../http/headers.ts'

const EXPOSE = 'Access-Control-Expose-Headers'

/** The head of an answer that is a run: that it is one, and where the same can be had by GET (RFC 9110 §8.7). */
export function headOfRun(
  exchange: Exchange,
  id: string,
  head: Record<string, string>,
  location = locationOf(exchange, id),
): Record<string, string> {
  const { Unmissed: told, [EXPOSE]: exposed } = head
  return merged(head, {
    'Content-Location': latin1(location),
    Unmissed: `${told}, run`,
    // Pages of other origins see only what is named.
    ...(exposed && { [EXPOSE]: 'Content-Location' }),
  })
}

/** Relative to what was asked for: whatever a router or a proxy has taken off the path is not ours to know. */
function locationOf({ url, method }: Exchange, id: string): string {
  const [path = '', query] = url.split('#', 1)[0]?.split('?') ?? []
  const last = path.slice(path.lastIndexOf('/') + 1)
  if (method === 'GET') return `./${last}${query ? `?${query}` : ''}`
  return `./${last && `${last}/`}${encodeURIComponent(id)}`
}
