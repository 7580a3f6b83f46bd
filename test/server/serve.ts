import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach } from 'vitest'
import { createHub, type Hub, type HubOptions, type Subscription } from '../../src/server/index.ts'
import { listen, shut } from '../helpers/listen.ts'
import { open, type Reader, type ReaderOptions } from '../helpers/reader.ts'

export { until } from '../helpers/until.ts'

const undo: Array<() => unknown> = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** Has something done after the test, the last first. */
export function after(step: () => unknown): void {
  undo.push(step)
}

/** A server of this handler, for the length of one test. */
export async function serve(handler: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server = createServer(handler)
  const port = await listen(server)
  after(() => shut(server))
  return `http://127.0.0.1:${port}/`
}

/** Reads an address for the length of one test. */
export async function read(url: string, options?: ReaderOptions): Promise<Reader> {
  const reader = await open(url, options)
  after(() => reader.drop())
  return reader
}

export interface Served<Events> {
  readonly hub: Hub<Events>
  readonly url: string
  /** Opens a reader, and waits until the hub has it. */
  join(options?: ReaderOptions & { path?: string }): Promise<Reader>
}

/** A hub behind a server; the subscription may follow from the request. */
export async function serveHub<Events = Record<string, unknown>>(
  options: HubOptions = {},
  subscription: Subscription | ((request: IncomingMessage) => Subscription) = {},
): Promise<Served<Events>> {
  const hub = createHub<Events>(options)
  after(() => hub.close({ within: 0 }))
  const url = await serve((request, response) =>
    hub.handle(request, response, typeof subscription === 'function' ? subscription(request) : subscription),
  )
  return { hub, url, join: ({ path = '', ...rest } = {}) => read(url + path, rest) }
}

/** What Node warns of until the end of the test, such as listeners that pile up. */
export function warnings(): Error[] {
  const heard: Error[] = []
  const hear = (warning: Error): void => void heard.push(warning)
  process.on('warning', hear)
  after(() => process.off('warning', hear))
  return heard
}
