import { expect, test, vi } from 'vitest'
import { EventDecoderStream, EventEncoderStream, encode, type OutgoingEvent } from '../../src/index.ts'
import { all, bytesOf, streamOf } from '../helpers/stream.ts'

test('EventDecoderStream turns the bytes of a body into its events, however they are cut', async () => {
  const events = await all(
    bytesOf('id: 7\nda', 'ta: a\r', '\n\r\nevent: x\ndata: b\n\n').pipeThrough(new EventDecoderStream()),
  )
  expect(events).toEqual([
    { type: 'message', data: 'a', id: '7' },
    { type: 'x', data: 'b', id: '7' },
  ])
})

test('EventDecoderStream passes the other options on to its parser', async () => {
  const seen: unknown[] = []
  const decoder = new EventDecoderStream({
    lastEventId: '6',
    flush: true,
    onComment: (text) => seen.push(text),
    onRetry: (milliseconds) => seen.push(milliseconds),
  })
  expect(await all(bytesOf(':hi\nretry: 5\ndata: a').pipeThrough(decoder))).toEqual([
    { type: 'message', data: 'a', id: '6' },
  ])
  expect(seen).toEqual(['hi', 5])
})

test('EventDecoderStream drops an unfinished event at the end of the body', async () => {
  expect(await all(bytesOf('data: a\n\ndata: b\n').pipeThrough(new EventDecoderStream()))).toHaveLength(1)
})

test('EventDecoderStream breaks with event-too-large after the events before it', async () => {
  const seen: string[] = []
  const events = bytesOf('data: a\n\n', `data: ${'x'.repeat(100)}`).pipeThrough(
    new EventDecoderStream({ maxEventSize: 50 }),
  )
  await expect(async () => {
    for await (const { data } of events) seen.push(data)
  }).rejects.toMatchObject({ code: 'event-too-large' })
  expect(seen).toEqual(['a'])
})

test('EventEncoderStream writes each event as one chunk, and EventDecoderStream reads it back', async () => {
  const sent: OutgoingEvent[] = [
    { data: 'a\nb', id: '1' },
    { type: 'tick', data: { price: 3 } },
  ]
  const [wire, copy] = streamOf(...sent)
    .pipeThrough(new EventEncoderStream())
    .tee()
  expect((await all(wire)).map((chunk) => new TextDecoder().decode(chunk))).toEqual(sent.map(encode))
  expect(await all(copy.pipeThrough(new EventDecoderStream()))).toEqual([
    { type: 'message', data: 'a\nb', id: '1' },
    { type: 'tick', data: '{"price":3}', id: '1' },
  ])
})

test('EventEncoderStream breaks on an event that cannot be written', async () => {
  const wire = streamOf({ type: 'a\nb' }).pipeThrough(new EventEncoderStream())
  await expect(all(wire)).rejects.toThrow(TypeError)
})

test('a runtime without TransformStream can import them all the same', async () => {
  vi.resetModules()
  vi.stubGlobal('TransformStream', undefined)
  try {
    const module = await import('../../src/protocol/streams.ts')
    expect(() => new module.EventDecoderStream()).toThrow(TypeError)
  } finally {
    vi.unstubAllGlobals()
  }
})
