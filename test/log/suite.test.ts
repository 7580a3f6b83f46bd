import { describe, expect, test } from 'vitest'
import type { Backplane, Message } from '../../src/log/log.ts'
import { backplaneCases } from '../../src/log/suite.ts'
import { memoryBackplane } from '../../src/server/index.ts'

describe('the log in memory', () => {
  const cases = backplaneCases(({ keep }) => {
    const backplane = memoryBackplane(keep)
    return { connect: () => backplane }
  })
  for (const { name, run } of cases) test(name, run)
})

// A suite that passes everything proves nothing: each of these breaks one rule.
describe('finds', () => {
  const broken: Record<string, (memory: Backplane) => Partial<Backplane>> = {
    'a partial replay passed off as a whole one': (memory) => ({
      read: async (after, limit) =>
        (await memory.read(after, limit)) ??
        memory.read({ ...after, offset: (await memory.bounds()).oldest - 1 }, limit),
    }),
    'a delivery that comes twice': (memory) => ({
      subscribe: (listener, onError) =>
        memory.subscribe((entry) => {
          listener(entry)
          if (entry.offset % 5 === 0) listener(entry)
        }, onError),
    }),
    'a delivery that is lost': (memory) => ({
      subscribe: (listener, onError) => memory.subscribe((entry) => entry.offset % 5 && listener(entry), onError),
    }),
    'a position that is too early': (memory) => ({
      subscribe: async (listener, onError) => {
        const subscription = await memory.subscribe(listener, onError)
        return { ...subscription, offset: Math.max(0, subscription.offset - 1), close: subscription.close }
      },
    }),
    'a key that is forgotten': (memory) => ({ publish: (message: Message) => memory.publish(message, {}) }),
    'an epoch that is not looked at': (memory) => ({
      read: async (after, limit) => memory.read({ ...after, epoch: (await memory.bounds()).epoch }, limit),
    }),
    'a publish that resolves too early': (memory) => ({
      publish: async (message, options) => {
        const position = await memory.bounds()
        setTimeout(
          () =>
            Promise.resolve(0)
              .then(() => memory.publish(message, options))
              .catch(() => {}),
          2,
        )
        return { ...position, offset: position.offset + 1 }
      },
    }),
    'what is left open by close': () => ({ close: () => {} }),
  }
  for (const [name, fault] of Object.entries(broken)) {
    test(name, async () => {
      const cases = backplaneCases(({ keep }) => {
        const memory = memoryBackplane(keep)
        const methods: Backplane = {
          publish: (message, options) => memory.publish(message, options),
          subscribe: (listener, onError) => memory.subscribe(listener, onError),
          read: (after, limit) => memory.read(after, limit),
          bounds: () => memory.bounds(),
          close: () => memory.close(),
        }
        const backplane = { ...methods, ...fault(memory) }
        return { connect: () => backplane, patience: 200 }
      })
      const failed = (await Promise.allSettled(cases.map(({ run }) => run()))).filter(
        ({ status }) => status === 'rejected',
      )
      expect(failed.length).toBeGreaterThan(0)
      expect(failed.length).toBeLessThan(cases.length)
    })
  }
})
