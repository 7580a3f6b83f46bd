import { type Log, type MemoryLogOptions, memoryLogs } from '../../src/server/index.ts'

/** A log in memory. */
export function memoryLog(options?: MemoryLogOptions): Log {
  return memoryLogs().open('log', options)
}

/** A log as one elsewhere is: not local, dense or nothing, and of which the test replaces what it likes. */
export function remoteLog(log: Log = memoryLog(), replaced: Partial<Log> = {}): Log {
  return {
    name: log.name,
    append: (message, options) => log.append(message, options),
    read: async (after, limit) => ((await log.covers?.(after, { topics: [] })) ? log.read(after, limit) : undefined),
    follow: (follower, after) => log.follow(follower, after),
    bounds: () => log.bounds(),
    seal: () => log.seal(),
    expire: (within) => log.expire(within),
    close: () => log.close(),
    ...replaced,
  }
}
