import type { ServerSentEvent } from '../../../src/protocol/event.ts'
import type { Entry, Gap, Position } from '../../../src/server/index.ts'

/** Who a reader is, as far as the log knows. */
export interface Who {
  readonly topics: readonly string[]
  readonly user: string | undefined
  readonly client: string
  /** What the subscription's filter lets through. */
  readonly passes: (n: number) => boolean
}

/** What is published here: a number, and a key under which a newer one may replace it. */
export interface Payload {
  readonly n: number
  readonly key: string
  readonly pad: string
}

/** Everything that the log ever had, whether it still has it or not: numbered through all of its lives. */
export class Truth {
  readonly entries: Entry[] = []
  readonly #byId = new Map<string, number>()
  /** Where each life of the log began. */
  readonly #begins = new Map<string, number>()
  /** The number of the newest. */
  last = 0

  /** Another life of the log begins. */
  begin(epoch: string): void {
    if (!this.#begins.has(epoch)) this.#begins.set(epoch, this.last)
  }

  add(entry: Entry): void {
    this.begin(entry.epoch)
    this.last = this.numberOf(entry) as number
    this.entries[this.last] = entry
    if (entry.message.id !== undefined) this.#byId.set(entry.message.id, this.last)
  }

  /** The number of a position; nothing where its life never was. */
  numberOf({ epoch, offset }: Position): number | undefined {
    const begin = this.#begins.get(epoch)
    return begin === undefined ? undefined : begin + offset
  }

  /** The number of what an id names, of the application's own as well. */
  offset(id: string): number | undefined {
    const own = this.#byId.get(id)
    if (own !== undefined) return own
    const [epoch = '', offset] = id.split('.')
    return offset === undefined ? undefined : this.numberOf({ epoch, offset: Number(offset) })
  }

  payload(offset: number): Payload | undefined {
    const data = /^data: (.*)$/m.exec((this.entries[offset] as Entry).message.frame)?.[1]
    return data?.startsWith('{') ? JSON.parse(data) : undefined
  }

  /** Whether an entry is a reader's to see: written apart from the hub's own rule. */
  isFor(offset: number, who: Who): boolean {
    const { topics, user, client, except } = (this.entries[offset] as Entry).message
    if (client !== undefined && client !== who.client) return false
    if (except !== undefined && except === who.client) return false
    if (user !== undefined && user !== who.user) return false
    if (topics && !topics.some((topic) => who.topics.includes(topic))) return false
    const payload = this.payload(offset)
    return payload === undefined || who.passes(payload.n)
  }
}

/** What one reader is shown over all its connections, held against what it must be shown. */
export class Judge {
  /** Everything up to here it was shown, or told that it is lost. */
  place: number
  readonly #truth: Truth
  readonly #who: Who
  /** Whether a newer event may stand for an older one of the same key. */
  readonly #latest: boolean
  /** Whether a gap is followed by a snapshot. */
  readonly #snapshots: boolean
  /** Keys of events that were passed over because a newer one is to come, and where. */
  readonly #owed = new Map<string, number>()
  /** Where it was before a gap, until it has the place after it. */
  #before: number | undefined
  /** Whether the gap's snapshot has yet to come. */
  #isDue = false
  #own = 0
  /** The last that it was shown. */
  readonly #told: string[] = []
  gaps = 0
  events = 0

  constructor(truth: Truth, who: Who, options: { latest: boolean; snapshots: boolean }, place: number) {
    this.#truth = truth
    this.#who = who
    this.#latest = options.latest
    this.#snapshots = options.snapshots
    this.place = place
  }

  see(event: ServerSentEvent): void {
    this.#tell(
      `${event.type} ${event.type === 'gap' ? event.data : ''}${event.type === 'snapshot' ? event.data : ''}(${event.id})`,
    )
    this.#explain(() => this.#judge(event))
  }

  /** It is given a place without an event. */
  placed(id: string): void {
    this.#tell(`placed at ${id}`)
    this.#explain(() => {
      const offset = this.#truth.offset(id)
      if (offset === undefined) throw new Error(`a place that names nothing: ${id}`)
      if (this.#isDue) throw new Error('a place before the snapshot of the gap')
      if (offset < this.place) throw new Error(`a place before ${this.place}`)
      this.#before = undefined
      this.#pass(offset)
    })
  }

  /** It returns with this id. */
  resume(id: string): void {
    this.#tell(`returns with ${id}`)
    this.#explain(() => this.#resume(id))
  }

  #explain(judge: () => void): void {
    try {
      judge()
    } catch (error) {
      throw new Error(`${error} ${JSON.stringify(this.#who)}, after ${this.#told.join(', ')}`)
    }
  }

  #tell(what: string): void {
    if (this.#told.push(what) > 12) this.#told.shift()
  }

  #judge({ type, data, id }: ServerSentEvent): void {
    if (type === 'own') this.#ownOne(Number(data))
    else if (type === 'gap') this.#gap(JSON.parse(data) as Gap)
    else if (type === 'snapshot') this.#snapshot(Number(data))
    else this.#event(id)
  }

  #resume(id: string): void {
    const offset = this.#truth.offset(id)
    if (offset === undefined) throw new Error(`returns with an id that names nothing: ${id}`)
    if (this.#before !== undefined && offset <= this.#before) {
      // The gap is told again, or what was missed is given after all.
      this.place = offset
      for (const [key, at] of this.#owed) if (at > offset) this.#owed.delete(key)
    } else if (this.#isDue) throw new Error(`returns with ${id}, and will never have the snapshot of the gap`)
    else if (offset < this.place) throw new Error(`returns with ${id}, has everything up to ${this.place}`)
    this.#isDue = false
    this.#before = undefined
    this.#pass(offset)
  }

  /** Whether it has all that is its own, by now. */
  get isUpToDate(): boolean {
    if (this.#owed.size > 0 || this.#isDue) return false
    for (let offset = this.place + 1; offset <= this.#truth.last; offset++) {
      if (this.#truth.isFor(offset, this.#who)) return false
    }
    return true
  }

  #event(id: string): void {
    const offset = this.#truth.offset(id)
    if (offset === undefined) throw new Error(`an event with an id that names nothing: ${id}`)
    if (this.#isDue) throw new Error(`${id} comes before the snapshot of the gap`)
    if (offset <= this.place) throw new Error(`${id} comes after ${this.place}: doubled, or out of order`)
    if (!this.#truth.isFor(offset, this.#who)) throw new Error(`${id} is for somebody else`)
    this.#pass(offset - 1)
    const key = this.#truth.payload(offset)?.key
    if (key !== undefined) this.#owed.delete(key)
    this.place = offset
    this.#before = undefined
    this.events++
  }

  /** Nothing of its own may be between where it is and there, but what a newer one stands for. */
  #pass(to: number): void {
    for (let offset = this.place + 1; offset <= to; offset++) {
      if (!this.#truth.isFor(offset, this.#who)) continue
      const key = this.#truth.payload(offset)?.key
      if (!this.#latest || key === undefined) throw new Error(`${offset} is missing, and no gap is told`)
      this.#owed.set(key, offset)
    }
    this.place = Math.max(this.place, to)
  }

  #gap({ reason, oldest, newest }: Gap): void {
    const last = this.#truth.offset(newest)
    if (last === undefined || last < this.place || (last === this.place && reason !== 'epoch'))
      throw new Error(`a gap up to ${newest}, after ${this.place}`)
    if (this.#isDue) throw new Error('a gap before the snapshot of the one before it')
    this.#isDue = this.#snapshots
    this.#before = this.#snapshots ? (this.#before ?? this.place) : undefined
    if (reason === 'slow') {
      const first = this.#truth.offset(oldest) as number
      this.#pass(first - 1)
      for (const edge of [first, last]) {
        if (!this.#truth.isFor(edge, this.#who))
          throw new Error(`a gap that ends at ${edge}, which is for somebody else`)
      }
    }
    // What a snapshot stands for is owed no more.
    this.#owed.clear()
    this.place = last
    this.gaps++
  }

  #snapshot(up: number): void {
    if (!this.#isDue) throw new Error('a snapshot without a gap')
    if (up < this.place) throw new Error(`a snapshot of ${up} after a gap up to ${this.place}`)
    this.#isDue = false
  }

  #ownOne(number: number): void {
    if (number <= this.#own) throw new Error(`its own ${number} comes after ${this.#own}`)
    this.#own = number
  }
}
