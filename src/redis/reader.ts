import type { Follower, Following, Position } from '../log/log.ts'
import { Channel } from './channel.ts'
import type { Connection } from './client.ts'
import type { RawEntry } from './entries.ts'
import { Member, type Read } from './member.ts'

/** How long one read waits for entries, in milliseconds: as long as a log that was lost or has expired may go unnoticed. */
const BLOCK = 1000
/** How much later than that an answer may come, before its connection counts as dead. */
const LATE = 3000
/** How often a read is woken, each time a millisecond later. */
const WAKES = 30
/** How many entries of a log one read takes. */
const COUNT = '1000'
/** How long to wait after a failure, in milliseconds: it doubles up to the longest. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2000

/** Reads all logs that are followed in this process, by one connection of its own and one blocking read. */
export class Reader {
  readonly #connection: Connection
  readonly #onError: (error: unknown) => void
  readonly #channels = new Map<string, Channel>()
  #isRunning = false
  #isClosed = false
  /** Whether the read under way knows all channels. */
  #isStale = false
  #own: Connection | undefined
  #ownId: string | undefined
  #isWaking = false
  #wakeWait: (() => void) | undefined
  /** When it was looked for logs that are gone. */
  #checked = 0

  constructor(connection: Connection, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#onError = onError
  }

  async follow(log: Read, follower: Follower, after: Position | undefined): Promise<Following> {
    const { epoch, offset, oldest, sealed } = await log.bounds()
    const isKnown = after?.epoch === epoch && after.offset <= offset && after.offset >= oldest - 1
    const start = { epoch, offset: after ? (isKnown ? after.offset : oldest - 1) : offset }
    const { stream } = log.keys
    let channel = this.#channels.get(stream)
    if (!channel) {
      channel = new Channel(log, { epoch, offset }, sealed)
      this.#channels.set(stream, channel)
    }
    const { members } = channel
    const member = new Member(log, follower, start, () => {
      members.delete(member)
      if (!members.size && this.#channels.get(stream)?.members === members) this.#channels.delete(stream)
    })
    members.add(member)
    member.see(channel.end, channel.isSealed)
    this.#isStale = true
    if (this.#isRunning) void this.#wake()
    else void this.#run()
    return { ...start, close: () => member.close() }
  }

  close(): void {
    this.#isClosed = true
    for (const { members } of this.#channels.values()) for (const member of [...members]) member.close()
    this.#channels.clear()
    this.#own?.close()
    this.#wakeWait?.()
  }

  async #run() {
    this.#isRunning = true
    let wait = FIRST_WAIT
    while (this.#channels.size && !this.#isClosed) {
      try {
        this.#own = await this.#connection.duplicate(() => {})
        while (this.#channels.size && !this.#isClosed) {
          await this.#read(this.#own)
          wait = FIRST_WAIT
        }
      } catch (error) {
        if (!this.#isClosed) await this.#rest(error, wait)
        wait = Math.min(wait * 2, LONGEST_WAIT)
      } finally {
        this.#own?.close()
        this.#own = this.#ownId = undefined
      }
    }
    this.#isRunning = false
  }

  async #rest(error: unknown, wait: number) {
    this.#onError(error)
    for (const channel of this.#channels.values()) channel.tell(error)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait)
      this.#wakeWait = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #read(own: Connection) {
    this.#isStale = false
    const channels = [...this.#channels]
    const asked = new Map(channels)
    const ids = channels.map(([, { lastId }]) => lastId)
    const keys = channels.map(([stream]) => stream)
    // With each read, in the same write: a client that connects again by itself has another one.
    own.send('CLIENT', 'ID').then(
      (id) => {
        this.#ownId = String(id)
      },
      () => {},
    )
    const answer = own.send('XREAD', 'COUNT', COUNT, 'BLOCK', String(BLOCK), 'STREAMS', ...keys, ...ids)
    for (const [stream, raw] of pairs(await limited(answer, BLOCK + LATE))) {
      const channel = this.#channels.get(stream)
      // Who left and came back meanwhile reads from elsewhere.
      if (channel && channel === asked.get(stream)) channel.deliver(raw, this.#onError)
    }
    if (Date.now() - this.#checked >= BLOCK) {
      this.#checked = Date.now()
      await limited(this.#look(), LATE)
    }
  }

  /** Redis tells nobody that a stream is gone, and waits for ever where its ids begin anew. */
  async #look() {
    const channels = [...this.#channels.values()]
    const epochs = await Promise.all(channels.map(({ log }) => this.#connection.send('HGET', log.keys.meta, 'epoch')))
    for (const [at, channel] of channels.entries()) channel.isOf(epochs[at] as string | null)
  }

  /** Has the read under way end, so that the next one knows of everybody. */
  async #wake() {
    if (this.#isWaking) return
    this.#isWaking = true
    try {
      // What is sent before the read has begun wakes nobody. In the end it wakes by itself.
      for (let tries = 0; this.#isStale && tries < WAKES && !this.#isClosed; tries++) {
        if (this.#ownId) await this.#connection.send('CLIENT', 'UNBLOCK', this.#ownId)
        await new Promise((resolve) => setTimeout(resolve, tries))
      }
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#isWaking = false
    }
  }
}

/** What `XREAD` answers: pairs; a map where the protocol's third version is spoken, which ioredis 6 gives as a flat list. */
function pairs(reply: unknown): [string, RawEntry[]][] {
  if (reply === null || reply === undefined) return []
  if (Array.isArray(reply) && typeof reply[0] === 'string')
    return reply.flatMap((key, at) => (at % 2 ? [] : [[key, reply[at + 1]] as [string, RawEntry[]]]))
  if (Array.isArray(reply)) return reply as [string, RawEntry[]][]
  return reply instanceof Map ? [...reply] : (Object.entries(reply) as [string, RawEntry[]][])
}

/** A promise, or a failure where it takes too long: clients leave one pending for ever whose connection died. */
function limited<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Redis did not answer in ${milliseconds} ms`)), milliseconds)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
