import { ConnectError } from '../errors.ts'
import { toAddress } from '../mistakes.ts'
import { BEFORE, type Live } from './live.ts'

/** Asks a server to stop a run: DELETE at its address, with the caller's headers where the same server has it. */
export async function stopAt(location: string, live: Live): Promise<void> {
  const { url, headers, credentials, fetch: ask = fetch } = live
  const asked = typeof url === 'function' ? await url(BEFORE) : url
  const isSame = toAddress(asked, live).origin === new URL(location).origin
  const given = isSame ? (typeof headers === 'function' ? await headers(BEFORE) : headers) : undefined
  const init = { method: 'DELETE', ...(given && { headers: given }), ...(credentials && { credentials }) }
  const response = await ask(location, init)
  response.body?.cancel().catch(() => {})
  const { status, ok } = response
  if (!ok)
    throw new ConnectError('status', `status ${status}, not 2xx`, false, { where: `DELETE ${location}`, response })
}
