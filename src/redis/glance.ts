import type { Runner } from './runner.ts'

/** What was seen of a log: where it is, or nothing where there is none, or where a new life has to begin. */
export type Seen = readonly [epoch?: string, offset?: string]

/** Somebody who has to know whether a log is still what it was. */
export interface Glancing {
  /** The key of what is known of the log. */
  readonly meta: string
  /** Whether what was seen is no news. */
  isConfirmed(seen: Seen): boolean
}

/** How many logs one script looks at: Redis serves nobody else meanwhile. */
const MANY = 500

/**
 * Redis tells nobody that a stream is gone, or that it is another server that lost its newest entries, and waits for ever
 * where ids begin anew. So each log is looked at, again and again, many in one script. Those are returned
 * that have to be looked at more closely.
 */
export async function unclear<One extends Glancing>(runner: Runner, all: readonly One[]): Promise<One[]> {
  const chunks = Array.from({ length: Math.ceil(all.length / MANY) }, (_, at) => all.slice(at * MANY, (at + 1) * MANY))
  const found = await Promise.all(
    chunks.map(async (chunk) => {
      const metas = chunk.map(({ meta }) => meta)
      const seen = (await runner.run('glance', metas, ['', '', ''])) as Seen[]
      return chunk.filter((one, at) => !one.isConfirmed(seen[at] ?? []))
    }),
  )
  return found.flat()
}
