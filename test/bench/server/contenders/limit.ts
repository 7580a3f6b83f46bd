import { createServer, type Socket } from 'node:net'
import { listen } from '../../../helpers/listen.ts'
import type { Contender } from '../contender.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'

/** LIMIT: no HTTP at all, one Buffer, encoded and framed once, written to each socket. Nothing in Node can be cheaper. */
export function contender(): Contender {
  const sockets = new Set<Socket>()
  // As node:http does: with Nagle's algorithm the kernel would gather events, and save sends that everybody else pays.
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.once('data', () => {
      socket.write(HEAD)
      sockets.add(socket)
    })
  })
  return {
    listen: () => listen(server),
    broadcast(data) {
      const payload = `data: ${data}\n\n`
      const frame = Buffer.from(`${Buffer.byteLength(payload).toString(16)}\r\n${payload}\r\n`)
      for (const socket of sockets) socket.write(frame)
    },
    size: () => sockets.size,
  }
}
