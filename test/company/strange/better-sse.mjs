import { createServer } from 'node:http'
import { createSession } from 'better-sse'
import { numbers } from './numbers.mjs'

createServer(async (request, response) => {
  const session = await createSession(request, response)
  for await (const n of numbers(session.lastId)) {
    if (!session.isConnected) break
    session.push(n, 'message', String(n))
  }
}).listen(Number(process.env.PORT), '127.0.0.1')
