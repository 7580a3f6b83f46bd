import { encode } from 'unmissed'
import { fromId, type Logs, memoryLogs, type Position, toId } from 'unmissed/server'

const logs: Logs = memoryLogs() // or redisLogs(client), for several processes

/** What MCP's StreamableHTTPServerTransport takes as its eventStore: one for each session. */
export const eventStore = (session: string) => {
  const open = (stream: string) => logs.open(`mcp ${session} ${stream}`)
  const split = (id: string) => /^(.*) (\S+)$/.exec(id)?.slice(1) ?? ['', '']
  return {
    async storeEvent(stream: string, message: object) {
      const log = open(stream)
      try {
        const position = await log.append({ frame: encode({ data: message }), type: 'message', json: true })
        await log.expire(3_600_000)
        return `${stream} ${toId(position)}`
      } finally {
        await log.close()
      }
    },
    async getStreamIdForEventId(id: string) {
      return split(id)[0] || undefined
    },
    async replayEventsAfter(id: string, { send }: { send: (id: string, message: never) => Promise<void> }) {
      const [stream = '', place = ''] = split(id)
      const log = open(stream)
      try {
        for (let at: Position | undefined = fromId(place); at; ) {
          const page = await log.read(at, 100)
          if (!page?.entries.length) break
          for (const entry of page.entries) {
            await send(`${stream} ${toId(entry)}`, JSON.parse(entry.message.frame.slice('data: '.length)) as never)
          }
          at = { epoch: at.epoch, offset: page.end }
        }
        return stream
      } finally {
        await log.close()
      }
    },
  }
}
