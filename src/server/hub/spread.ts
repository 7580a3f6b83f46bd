import { type Log, type Position, toId } from '../../log/log.ts'
import { logOf, readPlaces, signOf, writePlaces } from './places.ts'

/** What a reader follows, as far as it says in which logs that is. */
interface Followed {
  readonly all: Iterable<string>
  readonly prefixes: readonly string[]
}

/**
 * Over which logs the events of a hub are spread: those of one topic are in the topic's log, all others in the first, which
 * every reader follows. Most hubs have one, and the ids of its positions.
 */
export class Spread {
  readonly logs: readonly Log[]
  readonly #sign: string | undefined

  constructor(given: Log | readonly Log[]) {
    this.logs = 'append' in given ? [given] : given
    if (this.logs.length > 1) this.#sign = signOf(this.logs.map(({ name }) => name))
  }

  /** Whether there is but one. */
  get isOne(): boolean {
    return this.#sign === undefined
  }

  /** In which log an event for these topics is: in theirs, or the first where they have several. */
  indexFor(topics: readonly string[] | undefined): number {
    if (this.isOne || !topics) return 0
    const [first = 0, ...others] = topics.map((topic) => logOf(topic, this.logs.length))
    return others.every((index) => index === first) ? first : 0
  }

  /** Which logs a reader of these follows, in order: a topic that only its beginning is known of may be in any. */
  indexesOf({ all, prefixes }: Followed): readonly number[] {
    if (this.isOne) return [0]
    if (prefixes.length > 0) return [...this.logs.keys()]
    const found = new Set([0])
    for (const topic of all) found.add(logOf(topic, this.logs.length))
    return [...found].sort((one, other) => one - other)
  }

  /** The id of a place in one log. */
  idOf(index: number, position: Position): string {
    return this.isOne ? toId(position) : this.join(new Map([[index, position]]))
  }

  /** The id of places in several logs, in their order. */
  join(places: ReadonlyMap<number, Position>): string {
    return writePlaces(this.#sign ?? '', places)
  }

  /** The places that an id names; nothing where it is none of these logs'. */
  split(id: string): Map<number, Position> | undefined {
    return readPlaces(this.#sign ?? '', id)
  }
}
