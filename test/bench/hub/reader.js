/**
 * Raw sockets that read, in a process of their own: `reader.js port count bytes [rate] [lastEventId]`. Each reads until it has
 * so many bytes; `rate` is how many come in a second, 0 for all at once. Tells its parent when all are there, and when all have them.
 */
import { connect } from 'node:net'

const [port, count, bytes, rate = 0] = process.argv.slice(2, 6).map(Number)
const id = process.argv[6]
const request = `GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n${id ? `Last-Event-ID: ${id}\r\n` : ''}\r\n`
let begun = 0
let there = 0
let done = 0

function begin() {
  begun++
  let size = 0
  let isThere = false
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.on('data', (chunk) => {
    size += chunk.length
    if (!isThere) {
      isThere = true
      if (++there === count) process.send('there')
    }
    if (size < bytes) return
    socket.destroy()
    if (++done === count) process.send('done')
  })
}

if (rate === 0) while (begun < count) begin()
else {
  const from = performance.now()
  const timer = setInterval(() => {
    while (begun < count && begun < ((performance.now() - from) / 1000) * rate) begin()
    if (begun === count) clearInterval(timer)
  }, 2)
}
