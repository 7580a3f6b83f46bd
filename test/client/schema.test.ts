import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConnectError } from '../../src/client/errors.ts'
import { decode } from '../../src/client/schema.ts'

const event = (type: string, data: string) => ({ type, data, id: '7' })

function refusal(act: () => unknown): ConnectError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectError)
    return error as ConnectError
  }
  throw new Error('nothing was refused')
}

describe('decode', () => {
  it('leaves the text as it is by default, and the very event', () => {
    const raw = event('tick', '{"a":1}')
    expect(decode(raw, undefined, undefined)).toBe(raw)
  })
  it('reads JSON', () => {
    expect(decode(event('tick', '{"a":1}'), 'json', undefined)).toEqual({ type: 'tick', data: { a: 1 }, id: '7' })
  })
  it('lets a function read it, which knows the type', () => {
    expect(decode(event('tick', 'a'), (data, type) => `${type}:${data}`, undefined)).toMatchObject({ data: 'tick:a' })
  })
  it('refuses what cannot be read, with the event as it came', () => {
    const raw = event('tick', '{')
    expect(refusal(() => decode(raw, 'json', undefined))).toMatchObject({
      code: 'invalid-data',
      event: raw,
      cause: expect.any(SyntaxError),
      message: expect.stringContaining('tick'),
    })
  })
})

const libraries = {
  zod: { tick: z.object({ price: z.number(), at: z.string().transform((text) => text.length) }) },
  valibot: {
    tick: v.object({
      price: v.number(),
      at: v.pipe(
        v.string(),
        v.transform((text) => text.length),
      ),
    }),
  },
}

describe.each(Object.entries(libraries))('schemas of %s', (_name, schemas) => {
  it('check and transform what was read as JSON', () => {
    expect(decode(event('tick', '{"price":3,"at":"noon"}'), undefined, schemas)).toEqual({
      type: 'tick',
      data: { price: 3, at: 4 },
      id: '7',
    })
  })
  it('check what a function read', () => {
    const parse = (data: string) => ({ price: Number(data), at: '' })
    expect(decode(event('tick', '3'), parse, schemas)).toMatchObject({ data: { price: 3 } })
  })
  it('refuse with their issues', () => {
    const error = refusal(() => decode(event('tick', '{"price":"3","at":""}'), undefined, schemas))
    expect(error).toMatchObject({ code: 'invalid-data', event: event('tick', '{"price":"3","at":""}') })
    expect(error.message).toContain('price')
    expect((error.cause as Error).cause).toMatchObject({ issues: [{ path: expect.anything() }] })
  })
  it('leave the other types alone, those with names of Object’s included', () => {
    for (const type of ['note', 'constructor', '__proto__', 'toString'])
      expect(decode(event(type, 'not JSON'), undefined, schemas)).toEqual(event(type, 'not JSON'))
  })
})

describe('a schema', () => {
  it('that answers asynchronously is refused, because it would reorder events', () => {
    const later = z.object({}).refine(async () => true)
    const { message } = refusal(() => decode(event('tick', '{}'), undefined, { tick: later }))
    expect(message).toContain('asynchronous')
  })
  it('that throws is refused like one that finds issues', () => {
    const throwing = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate() {
          throw new Error('no')
        },
      },
    }
    expect(refusal(() => decode(event('tick', '{}'), undefined, { tick: throwing })).code).toBe('invalid-data')
  })
})
