/** A function that keeps what it is called with, to be given as a listener: `connection.on(collector)`. */
export interface Collector<Value> {
  (value: Value): void
  /** Everything so far, in order. */
  readonly events: readonly Value[]
  /** The next `count` values after those already taken, as soon as they are there; it waits without a time limit. */
  take(count: number): Promise<Value[]>
}

/** Collects events, or whatever else a callback is given, so that a test can await them. */
export function createCollector<Value = unknown>(): Collector<Value> {
  const events: Value[] = []
  const waiting: (() => void)[] = []
  let taken = 0
  return Object.assign(
    (value: Value) => {
      events.push(value)
      for (const wake of waiting.splice(0)) wake()
    },
    {
      events,
      async take(count: number) {
        const start = taken
        taken += count
        const end = taken
        while (events.length < end) await new Promise<void>((resolve) => waiting.push(resolve))
        return events.slice(start, end)
      },
    },
  )
}
