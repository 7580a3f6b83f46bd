import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { fromId, type Message, memoryBackplane, toId } from '../../src/server/index.ts'

const message = (text: string, more: Partial<Message> = {}): Message => ({
  frame: `data: ${text}\n\n`,
  type: 'message',
  ...more,
})
const publish = (log: ReturnType<typeof memoryBackplane>, count: number, text = 'x') => {
  for (let n = 0; n < count; n++) log.publish(message(text), {})
}
const bounds = (log: ReturnType<typeof memoryBackplane>) =>
  log.bounds() as { epoch: string; offset: number; oldest: number }

test('keeps so many events', () => {
  const log = memoryBackplane(10)
  publish(log, 25)
  expect(bounds(log)).toMatchObject({ offset: 25, oldest: 16 })
})

test('keeps so many bytes', () => {
  const log = memoryBackplane({ bytes: 1000 })
  publish(log, 25, 'x'.repeat(92))
  expect(bounds(log)).toMatchObject({ offset: 25, oldest: 16 })
})

test('keeps events so long', () => {
  vi.useFakeTimers()
  const log = memoryBackplane({ age: 1000 })
  publish(log, 5)
  vi.advanceTimersByTime(600)
  publish(log, 5)
  expect(bounds(log).oldest).toBe(1)
  vi.advanceTimersByTime(600)
  const { epoch } = bounds(log)
  expect(log.read({ epoch, offset: 4 }, 10)).toBeUndefined()
  expect(log.read({ epoch, offset: 5 }, 10)).toHaveLength(5)
  vi.advanceTimersByTime(600)
  expect(bounds(log)).toMatchObject({ offset: 10, oldest: 11 })
  expect(log.read({ epoch, offset: 10 }, 10)).toEqual([])
  vi.useRealTimers()
})

test('keeps nothing if it is told to, and counts all the same', () => {
  const log = memoryBackplane(0)
  publish(log, 3)
  const { epoch } = bounds(log)
  expect(bounds(log)).toMatchObject({ offset: 3, oldest: 4 })
  expect(log.read({ epoch, offset: 2 }, 10)).toBeUndefined()
  expect(log.read({ epoch, offset: 3 }, 10)).toEqual([])
})

test('keeps 1000 events and 16 MiB by default', () => {
  const log = memoryBackplane()
  publish(log, 1500)
  expect(bounds(log).oldest).toBe(501)
  publish(log, 20, 'x'.repeat(2 ** 20))
  expect(bounds(log)).toMatchObject({ offset: 1520, oldest: 1506 })
})

test('forgets ids and keys with their events', () => {
  const log = memoryBackplane(2)
  const first = log.publish(message('1', { id: 'a' }), { idempotencyKey: 'k' })
  expect(log.locate?.('a')).toEqual(first)
  expect(() => log.publish(message('2', { id: 'a' }), {})).toThrow(/taken/)
  expect(log.publish(message('3', { id: 'b' }), { idempotencyKey: 'k' })).toEqual(first)
  publish(log, 2)
  expect(log.locate?.('a')).toBeUndefined()
  expect(log.publish(message('4', { id: 'a' }), { idempotencyKey: 'k' })).toMatchObject({ offset: 4 })
})

test('memory does not grow with what was published and trimmed', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const heap = () => {
    gc()
    return process.memoryUsage().heapUsed
  }
  const log = memoryBackplane(100)
  publish(log, 1000)
  const before = heap()
  for (let n = 0; n < 50_000; n++)
    log.publish(message(`${n}`.padEnd(1000, 'x'), { id: `${n}` }), { idempotencyKey: `${n}` })
  expect(heap() - before).toBeLessThan(1_000_000)
})

test('two logs have two epochs', () => {
  expect(bounds(memoryBackplane()).epoch).not.toBe(bounds(memoryBackplane()).epoch)
})

test.each(['', 'a', 'a.', '.1', 'a.-1', 'a.1.5', 'a.01', 'a.1e3', 'a. 1', 'a.99999999999999999'])(
  '%j is no position',
  (id) => {
    expect(fromId(id)).toBeUndefined()
  },
)

test('a position is an id, and back', () => {
  expect(fromId(toId({ epoch: 'ab', offset: 0 }))).toEqual({ epoch: 'ab', offset: 0 })
  expect(fromId('ab.12')).toEqual({ epoch: 'ab', offset: 12 })
})
