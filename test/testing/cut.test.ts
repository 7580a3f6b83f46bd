import { describe, expect, it } from 'vitest'
import { at, byByte, type Cut, random } from '../../src/testing/index.ts'

const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)
const lengths = (cut: Cut, from = bytes) => [...cut(from)].map((piece) => piece.length)

describe('cuts', () => {
  it.each([
    ['byByte', byByte],
    ['at', at(3, 50)],
    ['random', random(7)],
  ])('%s loses, repeats and reorders nothing', (_, cut) => {
    expect([...cut(bytes)].flatMap((piece) => [...piece])).toEqual([...bytes])
  })

  it('byByte gives each byte alone', () => {
    expect(lengths(byByte)).toEqual(Array(100).fill(1))
  })

  it('at cuts at the given places, in whatever order they are given, and ignores those beyond the end', () => {
    expect(lengths(at(50, 3, 3, 1000))).toEqual([3, 47, 50])
    expect(lengths(at())).toEqual([100])
    expect(lengths(at(3), bytes.subarray(0, 3))).toEqual([3])
  })

  it('random repeats itself for a seed, differs between seeds, and goes on from write to write', () => {
    expect(lengths(random(7))).toEqual(lengths(random(7)))
    expect(lengths(random(7))).not.toEqual(lengths(random(8)))
    const cut = random(7)
    expect(lengths(cut)).not.toEqual(lengths(cut))
  })

  it('random stays between one byte and the longest piece', () => {
    for (const seed of [0, 1, -5, 2 ** 31]) {
      const found = lengths(random(seed, 4), new Uint8Array(10_000))
      expect(Math.min(...found)).toBe(1)
      expect(Math.max(...found)).toBe(4)
    }
  })
})
