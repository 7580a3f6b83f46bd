import { eventAt, type Ids, type LogEvent, numberOf } from './log.ts'

/** What went wrong with the events that a client delivered. All zero is the promise. */
export interface Verdict {
  /** Delivered events that were the log's next one. */
  events: number
  /** Numbers skipped and never delivered later. */
  lost: number
  /** Delivered a second time. */
  doubled: number
  /** Delivered after a later one. */
  late: number
  /** Right number, wrong type, data or id. */
  corrupt: number
  /** Delivered, but nothing of the log. */
  alien: number
}

/** Compares what is delivered with the log. Keeps the numbers that are missing, and nothing else. */
export class Ledger {
  next = 1
  #missing = new Set<number>()
  #verdict = { events: 0, doubled: 0, late: 0, corrupt: 0, alien: 0 }
  #ids: Ids
  /** The first thing that was wrong, for the report. */
  firstFault: string | undefined

  constructor(ids: Ids) {
    this.#ids = ids
  }

  get verdict(): Verdict {
    return { ...this.#verdict, lost: this.#missing.size }
  }

  take(event: LogEvent): void {
    const n = numberOf(event.data)
    // The right events end at 2 ** 31; anything else is no number of ours.
    if (n < 1 || n > 2 ** 31 || (n > this.next && n - this.next > 100_000)) {
      this.#fault('alien', event)
      return
    }
    const right = eventAt(n, this.#ids)
    const wrongId = this.#ids === 'own' ? event.id === '' : event.id !== right.id
    if (event.data !== right.data || event.type !== right.type || wrongId) this.#fault('corrupt', event)
    if (n === this.next) {
      this.#verdict.events++
      this.next++
    } else if (n > this.next) {
      this.firstFault ??= `event ${n} came where ${this.next} was due`
      for (let skipped = this.next; skipped < n; skipped++) this.#missing.add(skipped)
      this.next = n + 1
    } else if (this.#missing.delete(n)) this.#fault('late', event)
    else this.#fault('doubled', event)
  }

  #fault(kind: 'doubled' | 'late' | 'corrupt' | 'alien', event: LogEvent): void {
    this.#verdict[kind]++
    const { type, id, data } = event
    this.firstFault ??= `${kind}: ${JSON.stringify({ type, id, data: data.slice(0, 80) })} where ${this.next} was due`
  }
}
