import { expect, test } from 'vitest'
import { type Log, memoryLogs } from '../../../src/server/index.ts'
import { after, serveHub, until } from '../serve.ts'

// Where a log is not shared, everywhere is here.

test('without a log that is shared everywhere is this process', async () => {
  const served = await serveHub({ limits: { perUser: 1, everywhere: true } }, ({ url }) => ({ user: url?.slice(1) }))
  await served.join({ path: 'anna' })
  await until(() => served.hub.size === 1)
  expect(await served.hub.stats({ everywhere: true })).toMatchObject({
    connections: 1,
    users: { anna: 1 },
    processes: 1,
  })
  expect(await served.hub.disconnect({ user: 'ben' }, { everywhere: true })).toBe(0)
  expect(await served.hub.disconnect({ user: 'anna' }, { everywhere: true })).toBe(1)
  await until(() => served.hub.size === 0)
})

test('what cannot be meant is refused', async () => {
  const { hub } = await serveHub({})
  const invalid = expect.objectContaining({ code: 'invalid-option' })
  expect(() => hub.stats({ all: true } as never)).toThrowError(invalid)
  expect(() => hub.stats({ everywhere: 'yes' } as never)).toThrowError(invalid)
  expect(() => hub.disconnect('everyone', { everywhre: true } as never)).toThrowError(/everywhere/)
  await expect(hub.disconnect({} as never, { everywhere: true })).rejects.toMatchObject({ code: 'invalid-option' })
  await expect(hub.disconnect({ where: () => true } as never, { everywhere: true })).rejects.toThrowError(/process/)
})

test('a limit over all processes that cannot be asked refuses for a while, and the hub goes on', async () => {
  const logs = memoryLogs()
  after(() => logs.close())
  const log: Log = Object.assign(logs.open('news'), {
    join: () => ({
      ask: async () => [],
      enter: async () => Promise.reject(new Error('away')),
      leave: async () => {},
      close() {},
    }),
  })
  const errors: unknown[] = []
  const served = await serveHub(
    { log, limits: { perUser: 1, everywhere: true }, onError: (error) => errors.push(error) },
    () => ({ user: 'anna' }),
  )
  const response = await fetch(served.url)
  expect(response.status).toBe(503)
  expect(errors.map((error) => (error as Error).message)).toContain('away')
  await served.hub.publish({ data: 'a' })
})
