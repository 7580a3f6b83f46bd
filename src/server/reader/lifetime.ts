/** How long a connection lives of its longest life: spread, so that those that came together do not return together. */
export function lifetime(maxDuration: number): number {
  return maxDuration * (0.8 + 0.2 * Math.random())
}
