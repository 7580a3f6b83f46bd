import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { listen, shut } from './listen.ts'

/** Serves a function of web requests over real HTTP: who leaves cancels the body. */
export async function serveWeb(answer: (request: Request, path: string) => Response | Promise<Response>) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = 'GET', url = '/' } = request
    const init = {
      method,
      headers: request.headers as HeadersInit,
      ...(chunks.length && { body: Buffer.concat(chunks) }),
    }
    const answered = await answer(new Request(`http://a${url}`, init), url)
    response.writeHead(answered.status, Object.fromEntries(answered.headers))
    response.flushHeaders()
    if (answered.body) await pipeline(Readable.fromWeb(answered.body as ReadableStream), response).catch(() => {})
    else response.end()
  })
  return { url: `http://127.0.0.1:${await listen(server)}`, close: () => shut(server) }
}
