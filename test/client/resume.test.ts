import { describe, expect, it, test } from 'vitest'
import { createSeen, fromBytes, storage, toBytes, UNSENDABLE } from '../../src/client/resume.ts'

describe('an id as the bytes of a header', () => {
  test.each(['', '42', 'é', '日本', '😀', '…', '[{"topic":"a","offset":-1}]', 'a\tb'])('%j comes back', (id) => {
    const bytes = toBytes(id)
    expect(bytes).toBe(Buffer.from(id).toString('latin1'))
    expect(fromBytes(bytes)).toBe(id)
    expect(new Headers({ 'last-event-id': bytes }).get('last-event-id')).toBe(bytes)
  })
  it('turns half a surrogate pair into U+FFFD, as UTF-8 has no form for it', () => {
    expect(fromBytes(toBytes('a\ud800'))).toBe('a\ufffd')
  })
  test.each(['\x01', 'a\x1f', '\x7f', ' a', 'a ', '\ta', 'a\t', 'a\nb', 'a\rb', 'a\0b'])('%j cannot be one', (id) => {
    expect(UNSENDABLE.test(toBytes(id))).toBe(true)
  })
  test.each(['a', 'a b', 'a\tb', 'é', '!~'])('%j can be one', (id) => {
    expect(UNSENDABLE.test(toBytes(id))).toBe(false)
  })
})

describe('createSeen', () => {
  it('knows what an earlier body brought, not what this one did', () => {
    const seen = createSeen(10)
    expect([seen('a', 1), seen('a', 1), seen('a', 2), seen('a', 2), seen('b', 2)]).toEqual([
      false,
      false,
      true,
      true,
      false,
    ])
  })
  it('remembers so many, and forgets the oldest', () => {
    const seen = createSeen(3)
    for (const id of ['a', 'b', 'c', 'd']) seen(id, 1)
    expect(['d', 'c', 'b'].map((id) => seen(id, 2))).toEqual([true, true, true])
    expect(seen('a', 2)).toBe(false)
  })
  it('counts an id as new again when it comes again', () => {
    const seen = createSeen(2)
    for (const id of ['a', 'b', 'a', 'c']) seen(id, 1)
    expect([seen('a', 2), seen('c', 2), seen('b', 2)]).toEqual([true, true, false])
  })
})

describe('storage', () => {
  it('has the place of a stream that is no run as it was, also where runs are read whole', async () => {
    for (const place of ['7', ''])
      expect(await storage({ getItem: () => place, setItem() {} }, 'a', { whole: true }).load()).toBe(place)
    const run = { getItem: () => 'https://example.test/chat/a\n7', setItem() {} }
    expect(await storage(run, 'a', { whole: true }).load()).toBe('https://example.test/chat/a\n')
    expect(await storage(run, 'a').load()).toBe('https://example.test/chat/a\n7')
  })

  it('keeps the id under its key', async () => {
    const store = new Map<string, string>()
    const kept = storage(
      { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value) },
      'news',
    )
    expect(await kept.load()).toBe(null)
    await kept.save('7')
    expect(store).toEqual(new Map([['news', '7']]))
    expect(await kept.load()).toBe('7')
  })
  it('may be asynchronous', async () => {
    const kept = storage({ getItem: async () => '7', setItem: async () => {} })
    expect(await kept.load()).toBe('7')
  })
  it('is quiet about a store that is full or forbidden', async () => {
    const no = () => {
      throw new DOMException('no', 'QuotaExceededError')
    }
    for (const kept of [
      storage({ getItem: no, setItem: no }),
      storage({ getItem: async () => no(), setItem: async () => no() }),
    ]) {
      expect(await kept.load()).toBe(undefined)
      await expect(kept.save('7')).resolves.toBe(undefined)
    }
  })
})
