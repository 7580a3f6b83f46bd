import { ConnectError } from './errors.ts'

/** One request, as far as a redirect may change it. */
export interface Target {
  url: URL
  method: string
  headers: Headers
  body: BodyInit | null | undefined
}

/** As in the fetch standard. */
const MOST_REDIRECTS = 20

/** What describes a body (RFC 9110 §8) comes and goes with it. */
const OF_THE_BODY = ['content-encoding', 'content-language', 'content-location', 'content-type']

export const isSafe = (method: string): boolean => /^(get|head)$/i.test(method)

/** Cancels a body that nobody will read; not awaited, because some runtimes never settle it. */
export const drop = (response: Response): void => void response.body?.cancel().catch(() => {})

/** Whether the answer is a redirect that fetch left to us. */
export const isRedirect = ({ status, type }: Response): boolean =>
  type === 'opaqueredirect' || [301, 302, 303, 307, 308].includes(status)

/**
 * The request that a redirect asks for. At another origin none of the caller's headers goes along: fetch alone would
 * carry an `x-api-key` anywhere. `ours` are the headers that may go there.
 */
export function redirect(
  { url, method, headers, body }: Target,
  response: Response,
  count: number,
  ours: (origin: string) => Headers,
): Target {
  drop(response)
  const { status } = response
  const location = response.headers.get('location')
  const next = location !== null && URL.canParse(location, url) ? new URL(location, url) : undefined
  // As fetch does it: 303 turns all but GET and HEAD into GET, 301 and 302 turn POST into GET.
  const rewritten = status === 303 ? !isSafe(method) : status < 303 && /^post$/i.test(method)
  if (
    count > MOST_REDIRECTS ||
    !next ||
    !/^https?:$/.test(next.protocol) ||
    (!rewritten && body instanceof ReadableStream)
  )
    throw new ConnectError('redirect', `Cannot follow redirect ${count} (status ${status}) to ${location}.`, false, {
      response,
    })
  const carried = next.origin === url.origin ? headers : ours(next.origin)
  for (const name of OF_THE_BODY) {
    const value = headers.get(name)
    if (rewritten) carried.delete(name)
    else if (body != null && value !== null) carried.set(name, value)
  }
  return { url: next, method: rewritten ? 'GET' : method, headers: carried, body: rewritten ? undefined : body }
}
