import { connect, createServer, type Socket } from 'node:net'
import { listen, shut } from '../helpers/listen.ts'

/** The bytes of an answer that pass before it is cut, at least. */
const PASSED = 700
/** Where it is cut: inside the name of the field, behind the event's id where that comes first. */
const FIELD = 'data'

export interface Cutter {
  readonly port: number
  /** How many answers it has cut. */
  readonly cuts: number
  close(): Promise<void>
}

/** Stands before a server and cuts the first `most` answers in the middle of an event, each after some more bytes than the last. */
export async function startCutter(upstream: number, most: number): Promise<Cutter> {
  let cuts = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const behind = connect(upstream, '127.0.0.1')
    let passed = 0
    const allowed = PASSED + 37 * cuts
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        behind.destroy()
      })
    }
    client.pipe(behind)
    behind.on('data', (chunk: Buffer) => {
      const at = cuts < most ? chunk.indexOf(FIELD, Math.max(0, allowed - passed)) : -1
      if (at < 0) {
        passed += chunk.length
        client.write(chunk)
        return
      }
      cuts++
      behind.pause()
      client.write(chunk.subarray(0, at + 2), () => client.destroy())
      passed = Number.NEGATIVE_INFINITY
    })
  })
  const port = await listen(server)
  return {
    port,
    get cuts() {
      return cuts
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await shut(server)
    },
  }
}
