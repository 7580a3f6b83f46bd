import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HubSubscriber } from '../../../src/server/reader/hub-subscriber.ts'
import { Upkeep } from '../../../src/server/reader/upkeep.ts'

/** As much of a reader as is looked after. */
function reader(name: string, more: Partial<{ expires: number; leaves: number; isBehind: boolean }> = {}) {
  const ends: string[] = []
  const now = performance.now()
  return {
    name,
    ends,
    outbox: { writtenAt: now, placedAt: now, isBehind: more.isBehind ?? false },
    expires: more.expires ?? Number.POSITIVE_INFINITY,
    leaves: more.leaves ?? Number.POSITIVE_INFINITY,
    expire: () => void ends.push('expired'),
    end: (reason: string) => void ends.push(reason),
  }
}
type Fake = ReturnType<typeof reader>

function upkeep(heartbeat = 1000) {
  const readers = new Set<HubSubscriber>()
  const beats: { silent: string[]; unplaced: string[] }[] = []
  const names = (list: HubSubscriber[]) => (list as unknown as Fake[]).map(({ name }) => name)
  const keeper = new Upkeep(heartbeat, readers, (silent, unplaced) => {
    beats.push({ silent: names(silent), unplaced: names(unplaced) })
    const now = performance.now()
    for (const { outbox } of [...silent, ...unplaced]) Object.assign(outbox, { writtenAt: now, placedAt: now })
  })
  const watch = (fake: Fake): Fake => {
    readers.add(fake as unknown as HubSubscriber)
    keeper.watch(fake as unknown as HubSubscriber)
    return fake
  }
  return { keeper, beats, watch, forget: (fake: Fake) => keeper.forget(fake as unknown as HubSubscriber) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('heartbeats', () => {
  test('go to those who have heard of nothing for so long, and to nobody else', () => {
    const { beats, watch } = upkeep()
    const [quiet, busy] = [watch(reader('quiet')), watch(reader('busy'))]
    for (let n = 0; n < 9; n++) {
      vi.advanceTimersByTime(500)
      Object.assign(busy.outbox, { writtenAt: performance.now(), placedAt: performance.now() })
    }
    expect(beats.length).toBeGreaterThanOrEqual(3)
    expect(new Set(beats.flatMap(({ silent }) => silent))).toEqual(new Set(['quiet']))
    expect(quiet.ends).toEqual([])
  })

  test('tell those their place who hear of much, but of nothing that has one', () => {
    const { beats, watch } = upkeep()
    const spoken = watch(reader('spoken to'))
    for (let n = 0; n < 5; n++) {
      vi.advanceTimersByTime(400)
      spoken.outbox.writtenAt = performance.now()
    }
    expect(beats.flatMap(({ unplaced }) => unplaced)).toContain('spoken to')
    expect(beats.flatMap(({ silent }) => silent)).toEqual([])
  })

  test('are not for those who are behind', () => {
    const { beats, watch } = upkeep()
    watch(reader('behind', { isBehind: true }))
    vi.advanceTimersByTime(5000)
    expect(beats).toEqual([])
  })

  test('come from one timer, however many readers there are, and from none where there are to be none', () => {
    const many = upkeep()
    for (let n = 0; n < 1000; n++) many.watch(reader(`${n}`))
    expect(vi.getTimerCount()).toBe(1)
    many.keeper.stop()
    const none = upkeep(0)
    none.watch(reader('x'))
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the end of a grant', () => {
  test('comes by the wall clock: sooner where it is set forward, later where it is set back', () => {
    const { watch } = upkeep(0)
    const forward = watch(reader('forward', { expires: Date.now() + 3_600_000 }))
    vi.advanceTimersByTime(60_000)
    expect(forward.ends).toEqual([])
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(10_000)
    expect(forward.ends).toEqual(['expired'])

    const back = watch(reader('back', { expires: Date.now() + 60_000 }))
    vi.setSystemTime(Date.now() - 3_600_000)
    vi.advanceTimersByTime(120_000)
    expect(back.ends).toEqual([])
    vi.advanceTimersByTime(3_600_000)
    expect(back.ends).toEqual(['expired'])
  })

  test('far away keeps no timer from being one that can be', () => {
    const { watch } = upkeep(0)
    const fake = watch(reader('x', { expires: Date.now() + 2 ** 40 }))
    vi.advanceTimersByTime(1_000_000)
    expect(fake.ends).toEqual([])
  })

  test('is not that of a connection that only has to return: what waits for that one is sent first', () => {
    const { watch } = upkeep(0)
    const fake = watch(reader('x', { leaves: performance.now() + 500 }))
    vi.advanceTimersByTime(600)
    expect(fake.ends).toEqual(['expired'])
  })

  test('is forgotten with the reader', () => {
    const { watch, forget } = upkeep(0)
    const fake = watch(reader('x', { expires: Date.now() + 500 }))
    forget(fake)
    vi.advanceTimersByTime(60_000)
    expect(fake.ends).toEqual([])
  })

  test('of ten thousand comes to each in its time', () => {
    const { watch } = upkeep(0)
    const start = Date.now()
    const fakes = Array.from({ length: 10_000 }, (_, n) =>
      watch(reader(`${n}`, { expires: start + 1000 + (n % 97) * 100 })),
    )
    for (let n = 0; n < 120; n++) {
      vi.advanceTimersByTime(100)
      const now = Date.now()
      // A timer counts whole milliseconds.
      const late = fakes.filter(({ expires, ends }) => expires < now - 2 && ends.length !== 1)
      const early = fakes.filter(({ expires, ends }) => expires > now && ends.length > 0)
      expect([late, early]).toEqual([[], []])
    }
  })
})
