import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { createHub } from '../server/hub/hub.ts'
import { count, type Values } from './args.ts'
import { UsageError } from './usage.ts'

const { stdin, stdout, stderr } = process

/** Publishes each line of standard input, to everybody who asks and with a history for who comes later. */
export async function serve(values: Values): Promise<number> {
  const port = count(values, 'port', 0, 65_535) ?? 3000
  const kept = count(values, 'history', 0) ?? 1000
  const hub = createHub({
    history: { count: kept, bytes: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY },
    ...(values.cors && { cors: values.cors }),
  })
  let newest: string | undefined
  const server = createServer((request, response) => {
    // Who has nothing yet resumes from where the history begins: ids count the lines, one by one.
    const [, epoch, offset] = /^(.*)\.(\d+)$/.exec(newest ?? '') ?? []
    if (epoch && !request.url?.includes('lastEventId='))
      request.headers['last-event-id'] ??= `${epoch}.${Math.max(0, Number(offset) - kept)}`
    void hub.handle(request, response)
  })
  let code = 0
  let lines: Interface | undefined
  const stop = new Promise<void>((resolve) => {
    process.once('SIGINT', () => {
      code = 130
      lines?.close()
      resolve()
    })
    process.once('SIGTERM', resolve)
  })
  try {
    server.listen(port, values.host ?? '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const { address, port: chosen, family } = server.address() as AddressInfo
  stdout.write(`http://${family === 'IPv6' ? `[${address}]` : address}:${chosen}\n`)

  if (code === 0) lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines ?? []) {
    try {
      const { id } = await hub.publish(values.json ? fields(line) : { type: values.event?.[0], data: line })
      newest = id
    } catch (error) {
      stderr.write(`not published: ${(error as Error).message}\n`)
    }
  }
  if (!values.exit && code === 0) {
    stderr.write('the input has ended; its history is served until you stop me\n')
    await stop
  }
  await hub.close({ within: 1000 })
  server.close()
  server.closeAllConnections()
  return code
}

/** `{"type":"tick","data":{"price":3}}`, as `unmissed --json` prints it. The hub gives the ids. */
function fields(line: string): { type?: string; data: unknown } {
  const { type, data } = JSON.parse(line)
  return type === 'message' ? { data } : { type, data }
}
