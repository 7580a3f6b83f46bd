import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pass } from './pass.ts'

export interface Aside {
  readonly port: number
  close(): void
}

/** The same hub at another port, for plain clients: a browser keeps six connections to a server, and theirs shall not be the page's. */
export async function startAside(hubPort: () => number): Promise<Aside> {
  const server = createServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*')
    return pass(request, response, { port: hubPort() })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
