import { object, type Rules } from '../check/rules.ts'
import { check } from './check.ts'

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

  /** `labels` as they are written, without braces. */
  render(connections: number, prefix: string, labels: string): string {
    this.#counters.set('connections', connections)
    this.#counters.set('delivered_total', this.#delivered)
    this.#counters.set('delivered_bytes_total', this.#bytes)
    const series = (key: string, value: number): string => {
      const [name = '', own = ''] = key.split(/[{}]/)
      const all = [labels, own].filter(Boolean).join(',')
      return `${prefix}_${name}${all && `{${all}}`} ${value}\n`
    }
    let text = ''
    for (const [name, help] of Object.entries(HELP)) {
      text += `# HELP ${prefix}_${name} ${help}\n# TYPE ${prefix}_${name} ${name === 'connections' ? 'gauge' : 'counter'}\n`
      const counted = [...this.#counters].filter(([key]) => key.split('{')[0] === name)
      for (const [key, value] of counted.length > 0 ? counted : [[name, 0] as const]) text += series(key, value)
    }
    const name = 'delivery_seconds'
    text += `# HELP ${prefix}_${name} Time from an event to a reader's socket.\n# TYPE ${prefix}_${name} histogram\n`
    let count = 0
    for (const [index, amount] of this.#buckets.entries()) {
      count += amount
      text += series(`${name}_bucket{le="${BOUNDS[index] ?? '+Inf'}"}`, count)
    }
    return text + series(`${name}_sum`, this.#seconds) + series(`${name}_count`, count)
  }
}

/** How metrics are named, so that those of two hubs fit into one registry. */
export interface MetricsOptions {
  /** What each name begins with. Default: `unmissed`. */
  prefix?: string | undefined
  /** Labels of each series, such as `{ hub: 'chat' }`. Default: none. */
  labels?: Readonly<Record<string, string>> | undefined
}

const RULES: Rules = {
  prefix: {
    is: (value) => typeof value === 'string' && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value),
    must: 'a metric name',
  },
  labels: {
    is: (value) =>
      object.is(value) &&
      Object.entries(value as object).every(
        ([name, label]) => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && typeof label === 'string',
      ),
    must: 'an object of labels: names of letters, digits and _, and strings',
  },
}

/** The labels as they are written. */
export function writeLabels(options: MetricsOptions): string {
  check('metrics', options, RULES)
  const escaped = (text: string): string =>
    text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
  return Object.entries(options.labels ?? {})
    .map(([name, label]) => `${name}="${escaped(label)}"`)
    .join(',')
}
