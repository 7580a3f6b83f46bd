import { type Entry, type Position, toId } from '../../log/log.ts'
import type { PublishedEvent } from '../published-event.ts'
import { Frame } from './frame.ts'

/** How many frames of one event are kept for readers of the same logs. */
const SHARED = 16

/** An entry on its way to its readers: encoded for all of them, decoded for the first filter that looks. */
export class Delivery implements PublishedEvent {
  readonly id: string
  readonly entry: Entry
  #frame: Frame | undefined
  /** What readers of several logs are sent, by the id that it leaves them with. */
  #frames: Map<string, Frame> | undefined
  #data: { value: unknown } | undefined

  constructor(entry: Entry, idOf: (position: Position) => string = toId) {
    this.entry = entry
    this.id = entry.message.id ?? idOf(entry)
  }

  get frame(): Frame {
    this.#frame ??= new Frame(this, { event: this })
    return this.#frame
  }

  /** The same under another id, for readers whose places in several logs that is. */
  frameAs(id: string): Frame {
    this.#frames ??= new Map()
    let frame = this.#frames.get(id)
    if (!frame) {
      frame = new Frame(`id: ${id}\n${this.entry.message.frame}`, { event: this, id })
      // Readers who follow the same come one after the other.
      if (this.#frames.size >= SHARED) this.#frames.clear()
      this.#frames.set(id, frame)
    }
    return frame
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
