import { describe, expect, test, vi } from 'vitest'
import type { Log, Page as LogPage, Message } from '../../../src/log/log.ts'
import { PAGE, type Page } from '../../../src/server/hub/page.ts'
import { Pages } from '../../../src/server/hub/pages.ts'
import { Delivery } from '../../../src/server/reader/delivery.ts'
import { memoryLog, remoteLog } from '../logs.ts'

const message = (text: string): Message => ({ frame: `data: ${text}\n\n`, type: 'message' })

/** A log of so many entries elsewhere, whose reads are counted. */
async function logOf(count: number, { text = (n: number) => `${n}`, limit = Number.POSITIVE_INFINITY } = {}) {
  const memory = memoryLog({ count: 100_000 })
  for (let n = 1; n <= count; n++) await memory.append(message(text(n)))
  const reads: number[] = []
  const log = remoteLog(memory, {
    async read(after, most) {
      reads.push(after.offset)
      return memory.read(after, Math.min(most, limit)) as LogPage | undefined
    },
  })
  const { epoch } = await log.bounds()
  const pages = new Pages(log, 1000)
  pages.at(epoch)
  return { memory, log, epoch, pages, reads }
}

/** All after an offset, as a reader goes through the pages. */
async function all(pages: Pages, epoch: string, offset: number, end: number): Promise<number[]> {
  const found: number[] = []
  for (let at = offset; at < end; ) {
    const page = (await pages.read({ epoch, offset: at })) as Page
    for (const { entry } of page.deliveries.slice(page.indexAfter(at))) found.push(entry.offset)
    at = page.end
  }
  return found
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

describe('pages', () => {
  test('are read once for all who are at about the same place, at once or one after the other', async () => {
    const { pages, epoch, reads } = await logOf(2000)
    const found = await Promise.all(upTo(0, 99).map((start) => all(pages, epoch, start, 2000)))
    for (const [start, offsets] of found.entries()) expect(offsets).toEqual(upTo(start + 1, 2000))
    expect(reads).toHaveLength(Math.ceil(2000 / PAGE))
    await all(pages, epoch, 50, 2000)
    expect(reads).toHaveLength(Math.ceil(2000 / PAGE))
  })

  test('are decoded and encoded once: all get the same deliveries and the same bytes', async () => {
    const { pages, epoch } = await logOf(500)
    const [one, other] = [await pages.read({ epoch, offset: 3 }), await pages.read({ epoch, offset: 3 })] as [
      Page,
      Page,
    ]
    expect(one.deliveries[0]).toBe(other.deliveries[0])
    expect(one.pieceFrom(one.indexAfter(3)).frame).toBe(other.pieceFrom(other.indexAfter(3)).frame)
  })

  test('may be short: a log that gives less than it is asked for is read on', async () => {
    const { pages, epoch } = await logOf(100, { limit: 7 })
    expect(await all(pages, epoch, 0, 100)).toEqual(upTo(1, 100))
    expect(await all(pages, epoch, 41, 100)).toEqual(upTo(42, 100))
  })

  test('begin exactly where they are needed where the log does not go back so far', async () => {
    const { log, epoch } = await logOf(300)
    const trimmed: Log = {
      ...log,
      read: (after, most) => (after.offset < 270 ? undefined : log.read(after, most)),
    }
    const pages = new Pages(trimmed, 1000)
    pages.at(epoch)
    expect(await all(pages, epoch, 275, 300)).toEqual(upTo(276, 300))
    expect(await pages.read({ epoch, offset: 100 })).toBeUndefined()
  })

  test('begin where each needs them where two ask at once and the log does not go back so far', async () => {
    const memory = memoryLog({ count: 20 })
    for (let n = 1; n <= 100; n++) await memory.append(message(`${n}`))
    let reads = 0
    const log = remoteLog(memory, {
      async read(after, limit) {
        reads++
        await new Promise((resolve) => setTimeout(resolve, 5))
        return after.offset < 80 ? undefined : memory.read(after, limit)
      },
    })
    const { epoch } = await log.bounds()
    const pages = new Pages(log, 1000)
    pages.at(epoch)
    const found = await Promise.all([95, 85, 90, 85, 90, 85].map((start) => all(pages, epoch, start, 100)))
    expect(found).toEqual([95, 85, 90, 85, 90, 85].map((start) => upTo(start + 1, 100)))
    // Once where pages begin, and once for each place.
    expect(reads).toBe(4)
  })

  test('begin where they are needed for one who is where pages begin, though another waits for a later one', async () => {
    const memory = memoryLog({ count: 300 })
    for (let n = 1; n <= 300; n++) await memory.append(message(`${n}`))
    let first = true
    const log = remoteLog(memory, {
      async read(after, limit) {
        const short = first
        first = false
        await new Promise((resolve) => setTimeout(resolve, 5))
        // A short page, which does not reach as far as it was asked for.
        return memory.read(after, short ? 2 : limit)
      },
    })
    const { epoch } = await log.bounds()
    const pages = new Pages(log, 1000)
    pages.at(epoch)
    const found = await Promise.all([PAGE + 10, PAGE, PAGE].map((start) => all(pages, epoch, start, 300)))
    expect(found).toEqual([PAGE + 10, PAGE, PAGE].map((start) => upTo(start + 1, 300)))
  })

  test('are bounded in what they hold: long entries are fewer to a page, and old pages go', async () => {
    const { pages, epoch, reads } = await logOf(200, { text: () => 'x'.repeat(50_000) })
    const page = (await pages.read({ epoch, offset: 0 })) as Page
    expect(page.deliveries.length).toBe(6)
    expect(await all(pages, epoch, 0, 200)).toEqual(upTo(1, 200))
    const before = reads.length
    await pages.read({ epoch, offset: 0 })
    expect(reads.length).toBeGreaterThan(before)
  })

  test('of a log that leaves out an entry are not taken for whole', async () => {
    const { log, epoch } = await logOf(20)
    const holed: Log = {
      ...log,
      async read(after, most) {
        const page = await log.read(after, most)
        return page && { ...page, entries: page.entries.filter(({ offset }) => offset !== 7) }
      },
    }
    expect(await new Pages(holed, 1000).read({ epoch, offset: 0 })).toBeUndefined()
  })

  test('of a log that does not answer are waited for only so long', async () => {
    const { log, epoch } = await logOf(5)
    const pages = new Pages({ ...log, read: () => new Promise<never>(() => {}) }, 20)
    await expect(pages.read({ epoch, offset: 0 })).rejects.toMatchObject({ code: 'timeout' })
  })

  test('that failed are read again by the next one', async () => {
    const { log, epoch } = await logOf(5)
    const read = vi.fn(log.read).mockRejectedValueOnce(new Error('gone'))
    const pages = new Pages({ ...log, read }, 1000)
    pages.at(epoch)
    await expect(pages.read({ epoch, offset: 0 })).rejects.toThrow('gone')
    expect(await all(pages, epoch, 0, 5)).toEqual(upTo(1, 5))
  })

  test('of another epoch are never given', async () => {
    const { pages, epoch, memory } = await logOf(20)
    await pages.read({ epoch, offset: 0 })
    memory.expire(0)
    const next = await memory.append(message('new'))
    pages.at(next.epoch)
    expect(await pages.read({ epoch, offset: 0 })).toBeUndefined()
    expect(await all(pages, next.epoch, 0, 1)).toEqual([1])
  })
})

describe('what was delivered last', () => {
  async function delivered(from: number, count: number, text = 'x') {
    const { pages, epoch, reads } = await logOf(0)
    const deliveries = upTo(from, from + count - 1).map(
      (offset) => new Delivery({ epoch, offset, at: 0, message: message(text) }),
    )
    for (const delivery of deliveries) pages.keep(delivery)
    return { pages, epoch, reads, deliveries }
  }

  test('is at hand without a question to the log', async () => {
    const { pages, epoch, reads } = await delivered(38, 1000)
    for (const start of [37, 38, 255, 256, 300, 1036])
      expect(await all(pages, epoch, start, 1037)).toEqual(upTo(start + 1, 1037))
    expect(reads).toEqual([])
  })

  test('is bounded by entries and by text', async () => {
    const many = await delivered(1, 5000)
    expect(await all(many.pages, many.epoch, 4000, 5000)).toEqual(upTo(4001, 5000))
    await many.pages.read({ epoch: many.epoch, offset: 100 })
    expect(many.reads.length).toBeGreaterThan(0)
    const long = await delivered(1, 100, 'x'.repeat(100_000))
    await long.pages.read({ epoch: long.epoch, offset: 50 })
    expect(long.reads.length).toBeGreaterThan(0)
    expect(await all(long.pages, long.epoch, 95, 100)).toEqual(upTo(96, 100))
  })

  test('begins anew after a hole', async () => {
    const { pages, epoch, reads } = await delivered(1, 10)
    pages.keep(new Delivery({ epoch, offset: 20, at: 0, message: message('x') }))
    expect(await all(pages, epoch, 19, 20)).toEqual([20])
    await pages.read({ epoch, offset: 5 })
    expect(reads.length).toBeGreaterThan(0)
  })
})

describe('a piece', () => {
  test('ends at the same place wherever it begins, and is as long as what is written at a time', async () => {
    const { pages, epoch } = await logOf(250, { text: () => 'x'.repeat(936) })
    const page = (await pages.read({ epoch, offset: 0 })) as Page
    const ends = (from: number) => {
      const found = []
      for (let at = from; at < page.deliveries.length; ) {
        at += page.pieceFrom(at).deliveries.length
        found.push(at)
      }
      return found
    }
    const whole = ends(0)
    expect(whole.length).toBeGreaterThan(2)
    expect(ends(5)).toEqual(whole)
    expect(ends(whole[0] as number)).toEqual(whole.slice(1))
  })

  test('is the very bytes of its events, and leaves its reader with the id of the last', async () => {
    const { pages, epoch } = await logOf(3)
    const page = (await pages.read({ epoch, offset: 0 })) as Page
    const { frame, isForAll } = page.pieceFrom(1)
    expect(new TextDecoder().decode(frame.payload)).toBe(`id: ${epoch}.2\ndata: 2\n\nid: ${epoch}.3\ndata: 3\n\n`)
    expect([frame.id, isForAll]).toEqual([`${epoch}.3`, true])
  })
})
