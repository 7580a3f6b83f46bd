import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { createHub } from 'unmissed/server'

export const hub = createHub()
export const server = createServer(hub.handle)

/** Publishes each line that is added to a file, also after it was rotated. Returns what ends it. */
export function follow(file: string): () => void {
  const tail = spawn('tail', ['-F', '-n', '0', file])
  createInterface({ input: tail.stdout }).on('line', (line) => void hub.publish({ data: line }))
  return () => void tail.kill()
}
