import { resolveResumeRunId, type StreamChunk, type StreamDurability } from '@tanstack/ai'
import { encode } from 'unmissed'
import { type Entry, fromId, type Log, type Logs, memoryLogs, type Position, toId } from 'unmissed/server'

const logs: Logs = memoryLogs() // or redisLogs(client), for several processes

/** What TanStack AI's responses take as durability.adapter: the run that a request names, or a new one, as a log. */
export function logStream(request: Request): StreamDurability {
  const from = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('offset')
  const named = /^(\S+) \S+$/.exec(from ?? '')?.[1]
  const run = named ? decodeURIComponent(named) : (resolveResumeRunId(request) ?? crypto.randomUUID())
  const open = () => logs.open(`tanstack ${run}`, { count: 100_000 })
  const idOf = (position: Position) => `${encodeURIComponent(run)} ${toId(position)}`
  const told = (entry: Entry) => ({
    offset: idOf(entry),
    chunk: JSON.parse(entry.message.frame.slice('data: '.length)) as StreamChunk,
  })
  let written: Log | undefined
  return {
    resumeFrom: () => from,
    async append(chunks) {
      written ??= open()
      const log = written
      const append = async (data: StreamChunk) => log.append({ frame: encode({ data }), type: 'message', json: true })
      const positions = await Promise.all(chunks.map(append))
      await log.expire(3_600_000)
      return positions.map(idOf)
    },
    async close() {
      const log = written ?? open()
      await log.seal()
      await log.expire(300_000)
      await log.close()
    },
    async *read(offset, signal) {
      const log = open()
      let wake = () => {}
      signal?.addEventListener('abort', () => wake())
      try {
        await log.follow({ entries: () => wake(), end: () => wake(), error: () => {} })
        const { epoch, offset: newest } = await log.bounds()
        const place = fromId(offset.split(' ')[1] ?? '')
        let at = place ?? { epoch, offset: offset === 'now' ? newest : 0 }
        while (!signal?.aborted) {
          const more = new Promise<void>((resolve) => (wake = resolve))
          const { sealed } = await log.bounds()
          const page = await log.read(at, 100)
          if (!page) throw new Error(`the run ${run} is not kept from ${offset} on`)
          for (const entry of page.entries) yield told(entry)
          at = { epoch: at.epoch, offset: page.end }
          if (page.entries.length) continue
          if (sealed) return
          await more
        }
      } finally {
        await log.close()
      }
    },
    async snapshot() {
      const log = open()
      try {
        const { epoch, offset } = await log.bounds()
        const page = await log.read({ epoch, offset: 0 }, Math.max(offset, 1))
        return page ? page.entries.map(told) : []
      } finally {
        await log.close()
      }
    },
  }
}
