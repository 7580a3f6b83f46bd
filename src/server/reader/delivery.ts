import { type Entry, toId } from '../../log/log.ts'
import type { PublishedEvent } from '../published-event.ts'
import { Frame } from './frame.ts'

/** An entry on its way to its readers: encoded for all of them, decoded for the first filter that looks. */
export class Delivery implements PublishedEvent {
  readonly id: string
  readonly entry: Entry
  #frame: Frame | undefined
  #data: { value: unknown } | undefined

  constructor(entry: Entry) {
    this.entry = entry
    this.id = entry.message.id ?? toId(entry)
  }

  get frame(): Frame {
    this.#frame ??= new Frame(this.text, { event: this })
    return this.#frame
  }

  /** The frame's text. */
  get text(): string {
    return `id: ${this.id}\n${this.entry.message.frame}`
  }

  get type(): string {
    return this.entry.message.type
  }

  get data(): unknown {
    if (!this.#data) {
      const { frame, json } = this.entry.message
      const lines = frame.split('\n').filter((line) => line.startsWith('data: '))
      const text = lines.map((line) => line.slice(6)).join('\n')
      this.#data = { value: json ? freeze(JSON.parse(text)) : text }
    }
    return this.#data.value
  }

  get topics(): readonly string[] {
    return this.entry.message.topics ?? []
  }

  get user(): string | undefined {
    return this.entry.message.user
  }

  get client(): string | undefined {
    return this.entry.message.client
  }
}

function freeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner)
    Object.freeze(value)
  }
  return value
}

/** Consecutive deliveries that are written as one. */
export interface Piece {
  readonly deliveries: readonly Delivery[]
  /** Whether nobody is excepted, as far as the addressees tell. */
  readonly isForAll: boolean
  readonly frame: Frame
}
