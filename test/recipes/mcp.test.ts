import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolResultSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, expect, test } from 'vitest'
import { listen, shut } from '../helpers/listen.ts'
import { eventStore } from './mcp-events.ts'

// The recipe for MCP: the official server keeps its events in a log of ours, and the official client resumes.

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const COUNT = 30
const SESSION = 'session-1'

async function serve() {
  const mcp = new McpServer({ name: 'counter', version: '1.0.0' }, { capabilities: { logging: {} } })
  mcp.registerTool('count', { description: 'counts, and says so' }, async ({ sendNotification }) => {
    for (let n = 1; n <= COUNT; n++) {
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data: n } })
      await sleep(10)
    }
    return { content: [{ type: 'text', text: 'counted' }] }
  })
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => SESSION,
    eventStore: eventStore(SESSION),
  })
  await mcp.connect(transport)
  const server = createServer((request, response) => void transport.handleRequest(request, response))
  const port = await listen(server)
  undo.push(
    () => shut(server),
    () => mcp.close(),
  )
  return new URL(`http://127.0.0.1:${port}/mcp`)
}

test('the official client resumes a call of the official server in the middle, with nothing lost and nothing twice', async () => {
  const url = await serve()
  const heard: unknown[] = []
  const hear = (client: Client) =>
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.data))
  let token: string | undefined
  const first = new Client({ name: 'reader', version: '1.0.0' })
  hear(first)
  const transport = new StreamableHTTPClientTransport(url)
  await first.connect(transport)
  const call = { method: 'tools/call', params: { name: 'count', arguments: {} } } as const
  const onresumptiontoken = (next: string) => {
    token = next
  }
  void first.request(call, CallToolResultSchema, { onresumptiontoken }).catch(() => {})
  while (heard.length < 10) await sleep(2)
  await first.close()
  const had = heard.length
  await sleep(50)
  const second = new Client({ name: 'reader', version: '1.0.0' })
  hear(second)
  await second.connect(new StreamableHTTPClientTransport(url, { sessionId: transport.sessionId as string }))
  undo.push(() => second.close())
  const result = await second.request(call, CallToolResultSchema, {
    resumptionToken: token as string,
    onresumptiontoken,
  })
  expect(result.content).toEqual([{ type: 'text', text: 'counted' }])
  expect(had).toBeLessThan(COUNT)
  expect(heard).toEqual(Array.from({ length: COUNT }, (_, n) => n + 1))
})
