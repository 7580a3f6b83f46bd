import type { Core } from './core.ts'
import type { Runner } from './runner.ts'

/** How many logs one script looks at: Redis serves nobody else meanwhile. */
const MANY = 500

/**
 * Redis tells nobody that a stream is gone, or that it is another server that lost its newest entries, and waits for ever
 * where ids begin anew. So each log is looked at, again and again, with little more than a microsecond for each. Those are
 * returned that have to be looked at more closely.
 */
export async function unclear(runner: Runner, cores: readonly Core[]): Promise<Core[]> {
  const chunks = Array.from({ length: Math.ceil(cores.length / MANY) }, (_, at) =>
    cores.slice(at * MANY, (at + 1) * MANY),
  )
  const found = await Promise.all(
    chunks.map(async (chunk) => {
      const metas = chunk.map(({ keys }) => keys.meta)
      const seen = (await runner.run('glance', metas, ['', '', ''])) as [epoch?: string, offset?: string][]
      return chunk.filter((core, at) => !core.isConfirmed(seen[at] ?? []))
    }),
  )
  return found.flat()
}
