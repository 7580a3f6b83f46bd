import { encode } from '../../protocol/encode.ts'
import type { OutgoingEvent } from '../../protocol/event.ts'
import { type Entry, type Message, toId } from '../../log/log.ts'
import { Frame } from '../reader/frame.ts'
import { isCarriable, LONGEST_ID } from '../http/headers.ts'

/** Whom an event is for. Each property narrows; with none of them it is for everyone. */
export interface Audience<Subscriber = unknown> {
  /** Subscribers of this topic; together with `topics`, of any of them. */
  topic?: string | undefined
  /** Subscribers of any of these topics. */
  topics?: readonly string[] | undefined
  /** The connections of one user. */
  user?: string | undefined
  /** One connection, by the id of its subscriber. */
  client?: string | undefined
  /** Subscribers for which this is true. Only where messages do not leave the process. */
  where?: ((subscriber: Subscriber) => boolean) | undefined
}

/** A published event, as filters and hooks see it. */
export interface PublishedEvent {
  /** Its id in the log. */
  readonly id: string
  /** `message` where it was published without a type. */
  readonly type: string
  /** What was published: text as it is, all else as its JSON gives it back. */
  readonly data: unknown
  /** The topics that it was published to; empty where none was named. */
  readonly topics: readonly string[]
  /** The user that it was published to. */
  readonly user: string | undefined
  /** The connection that it was published to. */
  readonly client: string | undefined
}

/** The message of an event. Throws for what no reader would read back. */
export function toMessage(
  { type, data, id, retry }: OutgoingEvent,
  { topic, topics, user, client, where }: Audience,
): Message {
  if (type === 'gap') throw new TypeError('the type gap is the hub’s own: it tells readers what they missed')
  if (id !== undefined && (id === '' || !isCarriable(id))) {
    throw new TypeError(`id must have 1 to ${LONGEST_ID} characters and none that a header cannot carry`)
  }
  // Readers dispatch nothing for an event without a data line, and an event of that name is what was asked for.
  const frame = encode({ type, data: data === undefined && type ? '' : data, retry })
  // Validates, and is written anew with the position when it is delivered.
  if (id !== undefined) encode({ id })
  return {
    frame,
    type: type || 'message',
    json: data !== undefined && typeof data !== 'string',
    id,
    topics: topic === undefined ? topics : [topic, ...(topics ?? [])],
    user,
    client,
    where,
  }
}

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
    this.#frame ??= new Frame(`id: ${this.id}\n${this.entry.message.frame}`, this)
    return this.#frame
  }

  get type(): string {
    return this.entry.message.type
  }

  get data(): unknown {
    if (!this.#data) {
      const { frame, json } = this.entry.message
      const lines = frame.split('\n').filter((line) => line.startsWith('data: '))
      const text = lines.map((line) => line.slice(6)).join('\n')
      this.#data = { value: json ? JSON.parse(text) : text }
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
