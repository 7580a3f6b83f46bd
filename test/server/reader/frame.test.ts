import { describe, expect, test } from 'vitest'
import { Batch, Frame } from '../../../src/server/reader/frame.ts'

const text = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
const batchOf = (frames: readonly Frame[]) => {
  let batch = new Batch()
  for (const frame of frames) batch = batch.with(frame)
  return batch
}

describe('a frame', () => {
  for (const [what, data] of Object.entries({
    ASCII: 'x'.repeat(70),
    nothing: '',
    'two bytes a character': 'é'.repeat(9),
    'three bytes a character': '語'.repeat(9),
    'four bytes for two characters': '🦀'.repeat(9),
    'half a pair, which is one of three bytes': 'a\ud83e',
    // 15 characters are one hexadecimal digit, and their bytes are two.
    'a length that has one digit more in bytes': '語'.repeat(7),
    'a megabyte': 'ab語'.repeat(2 ** 18),
  })) {
    test(`is framed by its length in bytes: ${what}`, () => {
      const frame = new Frame(`data: ${data}\n\n`)
      const bytes = new TextEncoder().encode(`data: ${data}\n\n`)
      // Not by a deep comparison, which would walk through a million numbers.
      expect(text(frame.payload)).toBe(text(bytes))
      expect(frame.size).toBe(bytes.length)
      expect(text(frame.chunk)).toBe(`${bytes.length.toString(16)}\r\n${text(bytes)}\r\n`)
    })
  }

  test('is made once', () => {
    const frame = new Frame('data: 1\n\n')
    expect(frame.chunk).toBe(frame.chunk)
    expect(frame.payload).toBe(frame.payload)
  })
})

describe('a batch', () => {
  const frames = ['data: 1\n\n', 'data: é語\n\n', `data: ${'🦀'.repeat(9000)}\n\n`, ':\n\n'].map(
    (text) => new Frame(text),
  )

  test('of one frame is that frame', () => {
    const [first] = frames
    expect(batchOf([first as Frame]).bytes).toBe(first)
  })

  test('has the bytes of its frames in their order, also of those that were written by themselves', () => {
    const together = frames.map(({ text }) => text).join('')
    for (const written of [[], [0], [1, 2], [3], [0, 1, 2, 3]]) {
      const anew = frames.map((frame) => new Frame(frame.text))
      for (const index of written) expect(anew[index]?.payload.length).toBeGreaterThan(0)
      expect(text(batchOf(anew).bytes.payload)).toBe(together)
      expect(batchOf(anew).size).toBe(new TextEncoder().encode(together).length)
    }
  })

  test('is shared by all that take the same path, and its bytes are', () => {
    const root = new Batch()
    const [a, b] = frames as [Frame, Frame]
    expect(root.with(a).with(b)).toBe(root.with(a).with(b))
    expect(root.with(a).with(b).bytes.chunk).toBe(root.with(a).with(b).bytes.chunk)
  })
})
