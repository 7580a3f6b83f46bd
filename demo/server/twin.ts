/**
 * One of two servers of one application, whose log is in Redis: `twin.ts number`. Beside it what one writes by hand on Redis'
 * publish and subscribe, for comparison. It is a process, so that the demo can kill it.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { redisLogs } from 'unmissed/redis'
import { createHub } from 'unmissed/server'

const number = Number(process.argv[2])
const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1'
const client = new Redis(url)
const hub = createHub({
  log: redisLogs(client).open('twins', { count: 10_000 }),
  heartbeat: 2000,
  retry: 300,
  // The page is at another port, which leaves it its own six connections.
  cors: '*',
  // Not part of the log: each server says which one it is.
  onConnect: (subscriber) => subscriber.send({ type: 'welcome', data: { server: number } }),
  onError: console.error,
})

const byHand = new Set<ServerResponse>()
const heard = new Redis(url)
await heard.subscribe('twins by hand')
heard.on('message', (_, data) => {
  for (const response of byHand) response.write(`event: tick\ndata: ${data}\n\n`)
})

const server = createServer((request, response) => {
  if (request.url?.startsWith('/events')) return hub.handle(request, response)
  response.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' })
  response.write(`retry: 300\nevent: welcome\ndata: {"server":${number}}\n\n`)
  byHand.add(response)
  return response.on('close', () => byHand.delete(response))
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
