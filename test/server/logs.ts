import { type Log, type MemoryLogOptions, memoryLogs, type Position } from '../../src/server/index.ts'

/** A log in memory. */
export function memoryLog(options?: MemoryLogOptions): Log {
  return memoryLogs().open('log', options)
}

/** A log as one elsewhere is: not local, dense or nothing, and of which the test replaces what it likes. */
export function remoteLog(log: Log = memoryLog(), replaced: Partial<Log> = {}): Log {
  return {
    name: log.name,
    append: (message, options) => log.append(message, options),
    read: async (after, limit) => denseRead(log, after, limit),
    follow: (follower, after) => log.follow(follower, after),
    bounds: () => log.bounds(),
    seal: () => log.seal(),
    expire: (within) => log.expire(within),
    close: () => log.close(),
    ...replaced,
  }
}

/** A page without holes, or nothing: asked and read in one step, since the log may forget more between two. */
function denseRead(log: Log, after: Position, limit: number): ReturnType<Log['read']> {
  return log.covers?.(after, { topics: [] }) === true ? log.read(after, limit) : undefined
}

/** A log that answers when it likes: reads and appends take a while, and deliveries come late, in order. */
export function lateLog(memory = memoryLog(), random = Math.random): Log {
  const late = () => new Promise((resolve) => setTimeout(resolve, random() * 4))
  let line = Promise.resolve<unknown>(0)
  return remoteLog(memory, {
    async append(message, options) {
      await late()
      const position = await memory.append(message, options)
      await late()
      return position
    },
    async follow(follower, after) {
      const following = await memory.follow(
        {
          ...follower,
          entries(entries) {
            line = line.then(late).then(() => follower.entries(entries))
          },
        },
        after,
      )
      await late()
      return following
    },
    async read(after, limit) {
      await late()
      const page = await denseRead(memory, after, Math.min(limit, 7))
      await late()
      return page
    },
    async bounds() {
      await late()
      return memory.bounds()
    },
  })
}
