import type { Follower, Following, Log, MemoryLogOptions, Position } from '../../../src/server/index.ts'
import { lateLog, memoryLog, remoteLog } from '../logs.ts'

export type Random = () => number

/** The same numbers again for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 2 ** 31
  }
}

export const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[Math.trunc(random() * values.length)] as Value

/** What a log does that is in trouble: it rejects, and what was appended may be in it or not. */
export class Trouble extends Error {
  override name = 'Trouble'
}

/** A log that can be lost: what was in it is gone, and it begins anew. */
export interface World {
  readonly log: Log
  readonly kind: string
  /** What else is special about it. */
  readonly described: string
  readonly epoch: string
  /** Sees all that happens in the log, whatever its users see. */
  watch(follower: Pick<Follower, 'entries'>): void
  /** Loses all that it had; answers with its new epoch. */
  lose(): string
}

/** A log of some kind, with some history, in some trouble for as long as that lasts. */
export function worldOf(random: Random, isTroubled: () => boolean): World {
  const options: MemoryLogOptions = { count: pick(random, [10, 50, 400]), perTopic: pick(random, [0, 0, 3]) }
  const losable = losableLog(options)
  const kind = pick(random, ['local', 'remote', 'late'])
  const { inner } = losable
  const locate = (id: string) => inner.locate?.(id)
  const made: Record<string, () => Log> = {
    local: () => ({ ...inner, local: true }),
    remote: () => remoteLog(inner, { locate }),
    late: () => ({ ...lateLog(inner, random), locate }),
  }
  const log = (made[kind] as () => Log)()
  const rate = pick(random, [0, 0, 0.03])
  return {
    log: rate > 0 ? troubled(log, () => isTroubled() && random() < rate, random) : log,
    kind,
    described: `${JSON.stringify(options)}${rate ? ' troubled' : ''}`,
    watch: (follower) => void inner.follow({ ...follower, end() {}, error() {} }),
    lose: losable.lose,
    epoch: losable.epoch,
  }
}

function losableLog(options: MemoryLogOptions) {
  let current = memoryLog(options)
  const followers = new Map<Follower, Following>()
  const inner: Log = {
    name: current.name,
    append: (message, more) => current.append(message, more),
    read: (after, limit) => current.read(after, limit),
    covers: (after, interest) => current.covers?.(after, interest) ?? true,
    locate: (id) => current.locate?.(id),
    bounds: () => current.bounds(),
    seal: () => current.seal(),
    expire: (within) => current.expire(within),
    close: () => current.close(),
    follow(follower, after) {
      const following = current.follow(follower, after) as Following
      followers.set(follower, following)
      const { epoch, offset } = following
      return {
        epoch,
        offset,
        close() {
          followers.get(follower)?.close()
          followers.delete(follower)
        },
      }
    },
  }
  const epochOf = () => (current.bounds() as Position).epoch
  const lose = () => {
    for (const following of followers.values()) following.close()
    current = memoryLog(options)
    for (const follower of followers.keys()) followers.set(follower, current.follow(follower) as Following)
    return epochOf()
  }
  return { inner, lose, epoch: epochOf() }
}

function troubled(log: Log, fails: () => boolean, random: Random): Log {
  const trouble = async () => {
    await new Promise((resolve) => setTimeout(resolve, random() * 5))
    throw new Trouble('in trouble')
  }
  return {
    ...log,
    append: (message, options) => {
      if (!fails()) return log.append(message, options)
      return (random() < 0.5 ? Promise.resolve(log.append(message, options)) : Promise.resolve()).then(trouble)
    },
    read: (after: Position, limit) => (fails() ? trouble() : log.read(after, limit)),
    bounds: () => (fails() ? trouble() : log.bounds()),
    follow: (follower, after) => (fails() ? trouble() : log.follow(follower, after)),
  }
}
