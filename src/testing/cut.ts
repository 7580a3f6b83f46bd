/** Cuts what one `send` or `write` puts on the wire into the chunks that the client reads. */
export type Cut = (bytes: Uint8Array) => Iterable<Uint8Array>

/** Every byte comes alone: characters, line ends and field names all arrive in pieces. */
export const byByte: Cut = (bytes) => pieces(bytes, (start) => start + 1)

/** Cuts every write at these places, counted in bytes from its beginning: `at(3)` sends three bytes, then the rest. */
export function at(...offsets: number[]): Cut {
  return (bytes) => pieces(bytes, (start) => Math.min(...offsets.filter((offset) => offset > start)))
}

/** Cuts into pieces of 1 to `longest` bytes. The same seed gives the same cuts, so a failure can be repeated. Default: 16. */
export function random(seed: number, longest = 16): Cut {
  return (bytes) =>
    pieces(bytes, (start) => {
      // Park and Miller's generator, with an addend so that 0 is a seed like any other; its products stay exact.
      seed = Math.abs(seed * 48271 + 11) % 0x7fffffff
      return start + 1 + (seed % longest)
    })
}

function* pieces(bytes: Uint8Array, endOf: (start: number) => number) {
  for (let start = 0; start < bytes.length; ) {
    const end = endOf(start)
    yield bytes.subarray(start, end)
    start = end
  }
}
