import { expect, test } from 'vitest'
import { serveHub } from './serve.ts'

test('delivers an event to everyone when nobody is named', async () => {
  const { hub, join } = await serveHub()
  const readers = [await join(), await join()]
  const { id } = await hub.publish({ type: 'tick', data: { price: 3 } })
  for (const reader of readers) {
    await reader.until(1)
    expect(reader.events).toEqual([{ type: 'tick', data: '{"price":3}', id }])
  }
})

test('replays what came after the id that was asked for, and goes on live', async () => {
  const { hub, join } = await serveHub()
  const ids: string[] = []
  for (let n = 1; n <= 3; n++) ids.push((await hub.publish({ data: `${n}` })).id)
  const reader = await join({ lastEventId: ids[0] })
  await hub.publish({ data: '4' })
  await reader.until(3)
  expect(reader.events.map(({ data }) => data)).toEqual(['2', '3', '4'])
  expect(reader.headers['last-event-id']).toBe(ids[0])
})

test('tells a gap, and then goes on live', async () => {
  const { hub, join } = await serveHub({ history: 2 })
  const ids: string[] = []
  for (let n = 1; n <= 4; n++) ids.push((await hub.publish({ data: `${n}` })).id)
  const reader = await join({ lastEventId: ids[0] })
  await hub.publish({ data: '5' })
  await reader.until(2)
  expect(reader.headers['last-event-id']).toBe(ids[3])
  expect(reader.events[0]?.type).toBe('gap')
  expect(JSON.parse(reader.events[0]?.data ?? '')).toEqual({ asked: ids[0], oldest: ids[2], newest: ids[3] })
  expect(reader.events[1]?.data).toBe('5')
})
