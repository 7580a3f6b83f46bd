import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { accept } from 'unmissed/server'

/** One reader, one job: it runs at the reader's pace, and goes on where it was when the reader comes back. */
export const server = createServer(async (request, response) => {
  if (request.headers['last-event-id'] === '100') return void response.writeHead(204).end() // done: stay away
  const connection = accept(request, response)
  for (let percent = Number(connection.lastEventId) + 1; percent <= 100 && connection.open; percent++) {
    await sleep(5) // the work
    await connection.send({ type: 'progress', id: String(percent), data: { percent } }).catch(() => {})
  }
  connection.close()
})
