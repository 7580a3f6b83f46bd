import type { Follower, Following, Position } from '../log/log.ts'
import { Channel } from './channel.ts'
import type { Connection } from './client.ts'
import type { Core, Life } from './core.ts'
import { Line, type Source } from './line.ts'
import { Member } from './member.ts'
import type { Runner } from './runner.ts'

/** Reads all logs that are followed in this process: by one line, or on a Cluster by one for each place that has some. */
export class Reader {
  readonly #connection: Connection
  readonly #runner: Runner
  readonly #prefix: string
  readonly #onError: (error: unknown) => void
  readonly #lines = new Map<string, Line>()

  constructor(connection: Connection, runner: Runner, prefix: string, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#runner = runner
    this.#prefix = prefix
    this.#onError = onError
  }

  async follow(log: Core, follower: Follower, after: Position | undefined): Promise<Following> {
    const life = await log.bounds()
    const start = after ? await placeOf(log, life, after) : { epoch: life.epoch, offset: life.offset }
    const { stream, place } = log.keys
    const line = this.#lineOf(place)
    const there = line.sources.get(stream)
    const channel = there instanceof Channel ? there : new Channel(log, life)
    const { members } = channel
    const member = new Member(log, follower, start, () => {
      members.delete(member)
      if (!members.size && line.sources.get(stream) === channel) line.sources.delete(stream)
    })
    members.add(member)
    line.add(stream, channel)
    member.see(channel.end, channel.isSealed)
    return { ...start, close: () => member.close() }
  }

  /** Reads a stream of another kind; ends with what it answers. */
  listen(place: string, stream: string, source: Source): () => void {
    const line = this.#lineOf(place)
    line.add(stream, source)
    return () => void line.sources.delete(stream)
  }

  close(): void {
    for (const line of this.#lines.values()) line.close()
  }

  #lineOf(place: string): Line {
    const key = this.#connection.isCluster ? place : this.#prefix
    let line = this.#lines.get(key)
    if (!line) {
      line = new Line(this.#connection, this.#runner, key, this.#onError)
      this.#lines.set(key, line)
    }
    return line
  }
}

/** Where a follower begins: after the position that it gives, or with the oldest that there is. */
async function placeOf(log: Core, { epoch, offset, oldest }: Life, after: Position): Promise<Position> {
  const place = after.epoch === epoch ? after : await log.continues(after)
  const isThere = place && place.epoch === epoch && place.offset <= offset && place.offset >= oldest - 1
  return isThere ? place : { epoch, offset: oldest - 1 }
}
