/** The longest name that is compared, in UTF-16 units. */
const LONGEST = 64

/** The name that was probably meant: the same in other letters, or no more than two slips away. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  // What is so long is no slip, and a million letters would cost four seconds.
  if (name.length > LONGEST) return undefined
  const lower = name.toLowerCase()
  const most = Math.min(2, Math.floor(name.length / 3))
  let best: string | undefined
  let least = most + 1
  for (const other of names) {
    const slips = other.toLowerCase() === lower ? 0 : distance(name, other)
    if (slips < least) [best, least] = [other, slips]
  }
  return best
}

/** How many letters are to be put in, left out, changed, or swapped with their neighbour. */
function distance(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const now = [i]
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1]
      let least = Math.min((last[j] ?? 0) + 1, (now[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (isSwapped) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      now.push(least)
    }
    before = last
    last = now
  }
  return last[to.length] ?? 0
}
