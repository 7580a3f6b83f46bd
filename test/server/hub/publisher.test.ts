import { expect, test } from 'vitest'
import { createPublisher, type Log, memoryLogs } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

// A process without readers publishes to the log that hubs elsewhere deliver from.

test('what a publisher publishes reaches the readers of a hub on the same log, by topic and user, once', async () => {
  const logs = memoryLogs()
  after(() => logs.close())
  const served = await serveHub({ log: logs.open('news') }, ({ url }) => ({
    user: url?.slice(1) || undefined,
    topics: ['a'],
  }))
  const [anna, ben] = [await served.join({ path: 'anna' }), await served.join({ path: 'ben' })]
  await until(() => served.hub.size === 2)
  const publisher = createPublisher<{ tick: { price: number }; message: string }>(logs.open('news'))
  const first = await publisher.publish({ type: 'tick', data: { price: 3 } }, { topic: 'a' }, { idempotencyKey: 'k' })
  expect(
    await publisher.publish({ type: 'tick', data: { price: 3 } }, { topic: 'a' }, { idempotencyKey: 'k' }),
  ).toEqual(first)
  await publisher.publish({ data: 'yours' }, { user: 'anna' })
  await publisher.publish({ data: 'all' })
  await until(() => ben.events.length === 2 && anna.events.length === 3)
  expect(anna.events.map(({ data }) => data)).toEqual(['{"price":3}', 'yours', 'all'])
  expect(ben.events.map(({ data }) => data)).toEqual(['{"price":3}', 'all'])
  expect(anna.events[0]?.id).toBe(first.id)
})

test('a publisher refuses what a hub refuses, and what is no log', async () => {
  const errors: unknown[] = []
  const publisher = createPublisher(memoryLogs().open('news'), { onError: (error) => errors.push(error) })
  const invalid = { code: 'invalid-option' }
  await expect(publisher.publish({ data: 'a' }, { user: '' })).rejects.toMatchObject(invalid)
  await expect(publisher.publish({ type: 'a\nb', data: 'a' })).rejects.toThrow()
  for (const log of [undefined, null, {}, memoryLogs()])
    expect(() => createPublisher(log as Log)).toThrowError(expect.objectContaining(invalid))
  expect(() => createPublisher(memoryLogs().open('a'), { timeout: 1 } as object)).toThrowError(/timeout/)
})

test('a rejection that nobody awaits disturbs nobody, and is told', async () => {
  const errors: unknown[] = []
  const log = memoryLogs().open('news')
  const publisher = createPublisher(log, { onError: (error) => errors.push(error) })
  await log.seal()
  publisher.publish({ data: 'a' })
  await until(() => errors.length === 1)
  expect(errors).toEqual([expect.objectContaining({ code: 'log-sealed' })])
})

test('a publisher says that a publish may have happened whose answer did not come', async () => {
  const log = { name: 'slow', append: () => new Promise(() => {}) } as unknown as Log
  const publisher = createPublisher(log, { logTimeout: 10, onError() {} })
  await expect(publisher.publish({ data: 'a' })).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('idempotencyKey'),
  })
  const patient = createPublisher({ ...log, patience: 60 } as Log, { logTimeout: 10, onError() {} })
  const began = performance.now()
  await expect(patient.publish({ data: 'a' })).rejects.toMatchObject({ code: 'timeout' })
  expect(performance.now() - began).toBeGreaterThan(50)
})
