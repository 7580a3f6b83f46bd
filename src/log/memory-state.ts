import { LogError, sealed } from './errors.ts'
import { type Appended, type AppendOptions, type Entry, type Follower, fromId, type Message, newEpoch } from './log.ts'
import { Newest } from './newest.ts'
import { PerTopic } from './per-topic.ts'
import type { MemoryLogOptions, Retention } from './retention.ts'
import { tell } from './tell.ts'
import { LONGEST, unref } from './timer.ts'

/** One life of a log. */
export class MemoryState {
  readonly epoch = newEpoch()
  readonly retention: Retention
  readonly keys = new Map<string, Appended>()
  readonly ids = new Map<string, number>()
  offset = 0
  /** Up to where the followers were told: what they append themselves waits for its turn. */
  delivered = 0
  sealed = false
  removed = false
  readonly #followers = new Set<Follower>()
  readonly #mostKeys: number
  readonly #onExpire: () => void
  /** The newest id of the application's own that is gone: nothing is missing after it. */
  #lastGone: { readonly id: string; readonly offset: number } | undefined
  #outbox: Entry[] | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: MemoryLogOptions, onExpire: () => void) {
    this.#onExpire = onExpire
    this.#mostKeys = options.keys ?? 10_000
    const Way = options.perTopic ? PerTopic : Newest
    this.retention = new Way(options, ({ offset, message: { id } }) => {
      if (id === undefined) return
      this.ids.delete(id)
      if (offset > (this.#lastGone?.offset ?? 0)) this.#lastGone = { id, offset }
    })
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0
  }

  append(message: Message, { idempotencyKey: key }: AppendOptions): Appended {
    const known = key === undefined ? undefined : this.keys.get(key)
    if (known) return { ...known, repeated: true }
    if (this.sealed) throw sealed()
    const { id } = message
    if (id !== undefined) this.#checkId(id)
    const { epoch } = this
    const offset = ++this.offset
    const position: Appended = id === undefined ? { epoch, offset } : { epoch, offset, id }
    if (key !== undefined) this.#remember(key, position)
    if (id !== undefined) this.ids.set(id, offset)
    this.#deliver(this.retention.add({ epoch, offset }, message))
    return position
  }

  locate(id: string): number | undefined {
    const { ids } = this
    return ids.get(id) ?? (this.#lastGone?.id === id ? this.#lastGone.offset : undefined)
  }

  follow(follower: Follower): () => void {
    this.#followers.add(follower)
    if (this.sealed) this.#end(follower, 'sealed')
    return () => void this.#followers.delete(follower)
  }

  seal(): void {
    if (this.sealed) return
    this.sealed = true
    // What is being delivered comes first.
    if (!this.#outbox) this.#endAll('sealed')
  }

  expire(within: number): void {
    clearTimeout(this.#timer)
    if (within <= 0) {
      this.#onExpire()
      return
    }
    const at = performance.now() + within
    const look = (): void => {
      const left = at - performance.now()
      if (left <= 0) {
        this.#onExpire()
        return
      }
      this.#timer = unref(setTimeout(look, Math.min(Math.ceil(left), LONGEST)))
    }
    look()
  }

  remove(): void {
    this.removed = true
    clearTimeout(this.#timer)
    this.#endAll('expired')
  }

  #checkId(id: string): void {
    if (this.ids.has(id)) {
      throw new LogError(
        'duplicate-id',
        `the id ${JSON.stringify(id)} is taken: a reader would drop the second event; give each event its own`,
      )
    }
    if (fromId(id)?.epoch === this.epoch) {
      throw new LogError(
        'reserved-id',
        `the id ${JSON.stringify(id)} is a position of this log, and names another event`,
      )
    }
  }

  #remember(key: string, position: Appended): void {
    this.keys.set(key, position)
    if (this.keys.size > this.#mostKeys) this.keys.delete(this.keys.keys().next().value as string)
  }

  // A follower may append: what it adds comes after what is being delivered, for every follower.
  #deliver(entry: Entry): void {
    if (this.#outbox) {
      this.#outbox.push(entry)
      return
    }
    this.#outbox = [entry]
    for (let next = this.#outbox.shift(); next; next = this.#outbox.shift()) {
      this.delivered = next.offset
      // Whoever begins to follow meanwhile begins after this one.
      for (const follower of [...this.#followers]) {
        try {
          follower.entries([next])
        } catch (error) {
          tell(follower, error)
        }
      }
    }
    this.#outbox = undefined
    if (this.sealed) this.#endAll('sealed')
  }

  #endAll(reason: 'sealed' | 'expired'): void {
    for (const follower of this.#followers) this.#end(follower, reason)
  }

  // Later, so that whoever follows has its place before it hears of the end.
  #end(follower: Follower, reason: 'sealed' | 'expired'): void {
    queueMicrotask(() => {
      if (!this.#followers.delete(follower)) return
      try {
        follower.end(reason)
      } catch (error) {
        tell(follower, error)
      }
    })
  }
}
