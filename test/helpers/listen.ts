import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** Lets a server listen on a free port of the loopback, and says where. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Ends a server with all its connections and waits for it. */
export async function shut(server: Server & { closeAllConnections?: () => void }): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections?.()
  await closed
}

/** A port that was free a moment ago, for what is started elsewhere and cannot be asked for "any". */
export async function freePort(): Promise<number> {
  const probe = createServer()
  const port = await listen(probe)
  await shut(probe)
  return port
}

/** Waits until a server that was started elsewhere answers, however it does. */
export async function untilAnswers(url: string, said = () => ''): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const isThere = await fetch(url).then(
      (answer) => answer.body?.cancel().then(() => true) ?? true,
      () => false,
    )
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} does not answer: ${said()}`)
}
