/** Numbers in [0, 1) that one seed always gives in the same order, so that a failure can be played again. */
export type Random = () => number

/** Mulberry32 over a hash of all parts: `createRandom(seed, client, attempt)` gives each attempt a sequence of its own. */
export function createRandom(...parts: (number | string)[]): Random {
  let state = 0x811c9dc5
  for (const character of parts.join('/')) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from `from` to `to`, both included. */
export function whole(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

/** One of the keys, as often as its weight says. */
export function weighted<Key extends string>(random: Random, weights: Partial<Record<Key, number>>): Key {
  const entries = Object.entries(weights) as [Key, number][]
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [key, weight] of entries) {
    left -= weight
    if (left < 0) return key
  }
  return (entries.at(-1) as [Key, number])[0]
}
