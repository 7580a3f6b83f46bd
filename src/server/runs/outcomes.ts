import type { Outcome } from '../../protocol/outcome.ts'
import { Delivery } from '../reader/delivery.ts'
import type { Known } from './known.ts'
import type { Settings } from './settings.ts'

/** How runs end that are not produced here: they say it in their logs. */
export class Outcomes {
  readonly #settings: Settings
  /** By the life of the run. */
  readonly #waiting = new Map<string, Array<() => void>>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Never rejects: what the log does not say any more, everybody knows in short. */
  async of(run: Known): Promise<Outcome> {
    if (run.state === 'running') {
      await new Promise<void>((resolve) => {
        this.#waiting.set(run.life, [...(this.#waiting.get(run.life) ?? []), resolve])
      })
    }
    return this.#read(run).catch(() => inShort(run))
  }

  ended({ life }: Known): void {
    for (const resolve of this.#waiting.get(life) ?? []) resolve()
    this.#waiting.delete(life)
  }

  async #read(run: Known): Promise<Outcome> {
    const log = this.#settings.logOf(run)
    try {
      const { epoch, offset, sealed } = await log.bounds()
      const page = sealed ? await log.read({ epoch, offset: offset - 1 }, 1) : undefined
      const entry = page?.entries[0]
      return entry ? (new Delivery(entry).data as Outcome) : inShort(run)
    } finally {
      await log.close()
    }
  }
}

function inShort({ state, code }: Known): Outcome {
  return { state: state === 'running' ? 'failed' : state, code }
}
