import { describe, expect, test } from 'vitest'
import { logCases } from '../../src/log/suite.ts'
import { type Log, memoryLogs } from '../../src/server/index.ts'

describe('the log in memory', () => {
  const cases = logCases(({ keep }) => {
    const logs = memoryLogs()
    return { open: (name) => logs.open(name, { count: keep }) }
  })
  for (const { name, run } of cases) test(name, run)
})

/** A log as the rules want it, of which one method can be broken. */
function methodsOf(log: Log): Log {
  return {
    name: log.name,
    append: (message, options) => log.append(message, options),
    read: (after, limit) => log.read(after, limit),
    covers: (after, reader) => log.covers?.(after, reader) ?? true,
    follow: (follower, after) => log.follow(follower, after),
    bounds: () => log.bounds(),
    locate: (id) => log.locate?.(id),
    seal: () => log.seal(),
    expire: (within) => log.expire(within),
    close: () => log.close(),
  }
}

// A suite that passes everything proves nothing: each of these breaks one rule.
describe('finds', () => {
  const broken: Record<string, (log: Log) => Partial<Log>> = {
    'a partial replay passed off as a whole one': () => ({ covers: () => true }),
    'a delivery that comes twice': (log) => ({
      follow: (follower, after) =>
        log.follow(
          {
            ...follower,
            entries(entries) {
              follower.entries(entries)
              if ((entries[0]?.offset ?? 1) % 5 === 0) follower.entries(entries)
            },
          },
          after,
        ),
    }),
    'a delivery that is lost': (log) => ({
      follow: (follower, after) =>
        log.follow(
          { ...follower, entries: (entries) => follower.entries(entries.filter(({ offset }) => offset % 5)) },
          after,
        ),
    }),
    'a position that is too early': (log) => ({
      follow: async (follower, after) => {
        const following = await log.follow(follower, after)
        return { ...following, offset: Math.max(0, following.offset - 1), close: following.close }
      },
    }),
    'a position to follow from that is not heeded': (log) => ({ follow: (follower) => log.follow(follower) }),
    'a key that is forgotten': (log) => ({ append: (message) => log.append(message) }),
    'a repetition that is not told': (log) => ({
      append: async (message, options) => ({ ...(await log.append(message, options)), repeated: undefined }),
    }),
    'an epoch that is not looked at': (log) => ({
      read: async (after, limit) => log.read({ ...after, epoch: (await log.bounds()).epoch }, limit),
    }),
    'an append that resolves too early': (log) => ({
      append: async (message, options) => {
        const position = await log.bounds()
        setTimeout(
          () =>
            Promise.resolve(0)
              .then(() => log.append(message, options))
              .catch(() => {}),
          2,
        )
        return { ...position, offset: position.offset + 1 }
      },
    }),
    'a seal that is not told': (log) => ({
      follow: (follower, after) => log.follow({ ...follower, end() {} }, after),
    }),
    'a seal that keeps nothing out': () => ({ seal: () => ({ epoch: 'a', offset: 2 }) }),
    'a log that does not expire': () => ({ expire() {} }),
    'an id that is taken twice': (log) => ({
      append: ({ id, ...message }, options) => log.append(message, options),
    }),
    'what is left open by close': () => ({ close() {} }),
    'a follower that ends the delivery to the others': (log) => ({
      follow: (follower, after) =>
        log.follow(
          {
            ...follower,
            entries(entries) {
              try {
                follower.entries(entries)
              } catch {
                log.close()
              }
            },
          },
          after,
        ),
    }),
  }
  for (const [name, fault] of Object.entries(broken)) {
    test(name, async () => {
      const cases = logCases(({ keep }) => {
        const logs = memoryLogs()
        return {
          open(name) {
            const log = logs.open(name, { count: keep })
            return { ...methodsOf(log), ...fault(log) }
          },
          patience: 200,
        }
      })
      const failed = (await Promise.allSettled(cases.map(({ run }) => run()))).filter(
        ({ status }) => status === 'rejected',
      )
      expect(failed.length).toBeGreaterThan(0)
      expect(failed.length).toBeLessThan(cases.length)
    })
  }

  test('nothing in a log that keeps the rules and no more than it must', async () => {
    for (const { run } of logCases(({ keep }) => {
      const logs = memoryLogs()
      // Without what a log may leave out.
      const strict = (log: Log): Log => {
        const { covers, locate, ...rest } = methodsOf(log)
        return {
          ...rest,
          read: async (after, limit) => ((await covers?.(after, { topics: [] })) ? log.read(after, limit) : undefined),
        }
      }
      return { open: (name) => strict(logs.open(name, { count: keep })) }
    }))
      await run()
  })
})
