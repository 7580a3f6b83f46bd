import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { createHub } from '../server/hub/hub.ts'
import { count, type Values } from './args.ts'
import { UsageError } from './usage.ts'
import { line as oneLine } from './visible.ts'

const { stdin, stdout, stderr } = process

/** Publishes each line of standard input, to everybody who asks and with a history for who comes later. */
export async function serve(values: Values): Promise<number> {
  const port = count(values, 'port', 0, 65_535) ?? 3000
  const kept = count(values, 'history', 0) ?? 1000
  let told: unknown
  const tell = (error: unknown, what = '') => {
    if (error !== told) stderr.write(`${what}${oneLine((error as Error).message)}\n`)
    told = error
  }
  const hub = createHub({
    // What was not published is told by whoever publishes.
    onError: (error) => setImmediate(tell, error),
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
  let isStopped = false
  const stop = new Promise<void>((resolve) => {
    const end = (signal: NodeJS.Signals) => {
      // Whoever runs services asks by SIGTERM, and takes anything but 0 for a failure.
      code = signal === 'SIGINT' ? 130 : 0
      isStopped = true
      lines?.close()
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  })
  try {
    server.listen(port, values.host ?? '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const { address, port: chosen, family } = server.address() as AddressInfo
  stdout.write(`http://${family === 'IPv6' ? `[${address}]` : address}:${chosen}\n`)

  if (!isStopped) lines = createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines ?? []) {
    try {
      const { id } = await hub.publish(values.json ? fields(line) : { type: values.event?.[0], data: line })
      newest = id
    } catch (error) {
      tell(error, 'not published: ')
    }
  }
  if (!values.exit && !isStopped) {
    stderr.write('the input has ended; its history is served until you stop me\n')
    await stop
  }
  await hub.close({ within: 1000 })
  server.close()
  server.closeAllConnections()
  return code
}

/** `{"type":"tick","data":{"price":3}}`, as `unmissed --json` prints it. The hub gives the ids. */
function fields(line: string): { type?: string | undefined; data: unknown } {
  const value: unknown = JSON.parse(line)
  const { type, data } = (value ?? {}) as { type?: string; data?: unknown }
  if (data === undefined) throw new TypeError(`{"type":"…","data":…} is what a line should be, not ${line}`)
  return type === 'message' ? { data } : { type, data }
}
