/** The byte that says "one event": it is in no frame of anybody's, so counting it counts deliveries. */
export const MARK = 0x7e
/** Digits after the mark: the time of sending, in microseconds. */
export const STAMP = 15

/** Microseconds of the clock that all processes of a machine share. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** The data of one event of `size` bytes that says when it was sent. */
export function marked(size: number): string {
  return `~${String(now()).padStart(STAMP, '0')}`.padEnd(size, 'x')
}
