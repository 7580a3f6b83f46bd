/** The upper bounds of the delivery time's histogram, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const HELP = {
  connections: 'Open connections.',
  connections_total: 'Accepted connections.',
  refusals_total: 'Requests without a stream, by status.',
  closed_total: 'Ended connections, by reason.',
  published_total: 'Events published by this process.',
  delivered_total: 'Frames handed to sockets.',
  delivered_bytes_total: 'Bytes handed to sockets.',
  dropped_total: 'Events dropped for slow readers, by policy.',
  replays_total: 'Resumes without a gap.',
  replayed_total: 'Log entries read again for resumes.',
  gaps_total: 'Gaps told to readers.',
  errors_total: 'Errors told to onError.',
} as const

type Name = keyof typeof HELP

/** What a hub counts, and how that reads in Prometheus' text format. */
export class Metrics {
  // Counted for every reader of every event, and so kept apart.
  #delivered = 0
  #bytes = 0
  readonly #counters = new Map<string, number>()
  readonly #buckets = new Array<number>(BOUNDS.length + 1).fill(0)
  #seconds = 0

  /** Counts; `labels` as they are written, such as `{reason="slow"}`. */
  count(name: Name, amount = 1, labels = ''): void {
    const series = name + labels
    this.#counters.set(series, (this.#counters.get(series) ?? 0) + amount)
  }

  /** Counts what was handed to a reader's socket, and how long after it was published, in milliseconds. */
  wrote(bytes: number, frames: number, after: number | undefined): void {
    this.#bytes += bytes
    this.#delivered += frames
    if (after === undefined) return
    const seconds = after / 1000
    let index = 0
    while (seconds > (BOUNDS[index] ?? Number.POSITIVE_INFINITY)) index++
    this.#buckets[index] = (this.#buckets[index] ?? 0) + frames
    this.#seconds += seconds * frames
  }

  render(connections: number): string {
    this.#counters.set('connections', connections)
    this.#counters.set('delivered_total', this.#delivered)
    this.#counters.set('delivered_bytes_total', this.#bytes)
    let text = ''
    for (const [name, help] of Object.entries(HELP)) {
      text += `# HELP unmissed_${name} ${help}\n# TYPE unmissed_${name} ${name === 'connections' ? 'gauge' : 'counter'}\n`
      const series = [...this.#counters].filter(([key]) => key.split('{')[0] === name)
      for (const [key, value] of series.length > 0 ? series : [[name, 0]]) text += `unmissed_${key} ${value}\n`
    }
    const name = 'unmissed_delivery_seconds'
    text += `# HELP ${name} Time from an event to a reader's socket.\n# TYPE ${name} histogram\n`
    let count = 0
    for (const [index, amount] of this.#buckets.entries()) {
      count += amount
      text += `${name}_bucket{le="${BOUNDS[index] ?? '+Inf'}"} ${count}\n`
    }
    return `${text}${name}_sum ${this.#seconds}\n${name}_count ${count}\n`
  }
}
