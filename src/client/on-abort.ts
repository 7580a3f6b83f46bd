interface Waiting {
  readonly runs: Set<() => void>
  readonly abort: () => void
}

const waiting = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls `run` when the signal aborts; returns its undo. One listener serves all who wait for a signal: Node 20 and Deno
 * take more than ten for a leak, and say so.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const { runs, abort } = waiting.get(signal) ?? begin(signal)
  runs.add(run)
  return () => {
    if (!runs.delete(run) || runs.size > 0) return
    signal.removeEventListener('abort', abort)
    waiting.delete(signal)
  }
}

function begin(signal: AbortSignal): Waiting {
  const runs = new Set<() => void>()
  const entry: Waiting = {
    runs,
    abort() {
      for (const run of runs) run()
    },
  }
  waiting.set(signal, entry)
  signal.addEventListener('abort', entry.abort)
  return entry
}
