import type { Entry, Interest, LogOptions, Message, Position } from './log.ts'
import { addressees, Losses } from './losses.ts'

/** How much a log in memory keeps. */
export interface MemoryLogOptions extends LogOptions {
  /** How many of the newest entries of each topic are kept beyond `count`, so that a loud topic does not push out quiet ones. Default: 0. */
  readonly perTopic?: number | undefined
  /** How many idempotency keys are remembered. Default: 10000. */
  readonly keys?: number | undefined
}

/** A message but for its text and its own id. */
export type Facts = Omit<Message, 'frame' | 'id'>

/** What an entry costs beside its text, in bytes: measured as heap per entry, with its message and its place in the list. */
const OVERHEAD = 240
/** The same of an id of its own, of a list of topics, and of each topic. */
export const ID = 100
const LIST = 40
const TOPIC = 35
const WIDE = /[^\0-\xff]/

/** An entry. A class: a literal that begins with a spread costs half as much again. */
export class Kept implements Entry {
  readonly epoch: string
  readonly offset: number
  readonly at = Date.now()
  readonly message: Message
  /** What it costs, in bytes. */
  readonly size: number
  /** How many topics hold on to it. */
  held = 0

  constructor(epoch: string, offset: number, message: Message) {
    this.epoch = epoch
    this.offset = offset
    this.message = message
    const { frame, id } = message
    this.size = OVERHEAD + sizeOfText(frame) + (id === undefined ? 0 : ID + id.length) + sizeOfFacts(message)
  }
}

/** Which entries a log in memory keeps, and to whom those matter that it let go. */
export abstract class Retention {
  /** What all that is kept costs, in bytes. */
  size = 0
  protected readonly count: number
  protected readonly bytes: number
  readonly #age: number
  readonly #onLost: (entry: Entry) => void
  readonly #losses = new Losses()

  constructor(options: MemoryLogOptions, onLost: (entry: Entry) => void) {
    this.count = options.count ?? 1000
    this.bytes = options.bytes ?? 2 ** 24
    this.#age = options.age ?? Number.POSITIVE_INFINITY
    this.#onLost = onLost
  }

  abstract add(position: Position, message: Message): Entry
  /** Lets go of what is beyond the bounds. */
  abstract trim(): void
  /** Lets go of the oldest; false where there is none. */
  abstract dropOldest(): boolean
  /** The offset of the oldest. */
  abstract get oldest(): number | undefined
  /** The next entries after an offset. */
  abstract after(offset: number, limit: number): Entry[]

  /** Whether nothing is gone after an offset that a reader might have been given. */
  covers(offset: number, reader: Interest): boolean {
    return this.#losses.spare(offset, reader)
  }

  /** From where on everything is there. */
  get wholeFrom(): number {
    return this.#losses.newest
  }

  /** What is older than this is too old, in milliseconds since 1970. */
  protected get past(): number {
    return this.#age === Number.POSITIVE_INFINITY ? 0 : Date.now() - this.#age
  }

  /** An entry is gone. */
  protected lost(entry: Entry): void {
    for (const key of addressees(entry.message)) this.#losses.add(key, entry.offset)
    this.#onLost(entry)
  }
}

/** What text costs, in bytes. The search also makes one string of the pieces that it was put together from, which would be kept otherwise. */
export function sizeOfText(text: string): number {
  return text.length * (WIDE.test(text) ? 2 : 1)
}

/** What the rest of a message costs, beyond what every one has. */
export function sizeOfFacts({ topics, user }: Facts): number {
  let size = (user?.length ?? 0) + (topics ? LIST : 0)
  for (const topic of topics ?? []) size += TOPIC + topic.length
  return size
}
