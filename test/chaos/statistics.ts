export interface Spread {
  count: number
  min: number
  p50: number
  p95: number
  max: number
}

/** What a list of milliseconds looks like. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 10) / 10
  return { count: sorted.length, min: at(0), p50: at(0.5), p95: at(0.95), max: at(1) }
}

/** The median of the slopes between all pairs of points (Theil–Sen): one late collection moves it hardly at all. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = []
  for (const [index, [x, y]] of points.entries())
    for (const [otherX, otherY] of points.slice(index + 1)) if (otherX !== x) slopes.push((otherY - y) / (otherX - x))
  slopes.sort((a, b) => a - b)
  return slopes[slopes.length >> 1] ?? 0
}
