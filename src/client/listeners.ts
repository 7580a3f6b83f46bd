import type { ServerSentEvent } from '../protocol/event.ts'

type Run = (event: ServerSentEvent<string, unknown>) => unknown

/** Calls what the user gave us; its mistake is its own, and disturbs nobody else. */
export function call<Value>(run: ((value: Value) => unknown) | undefined, value?: Value): void {
  try {
    const result = run?.(value as Value)
    // Anything but an object is no promise, and a new promise for each event would be felt.
    if (result && typeof result === 'object') Promise.resolve(result).catch(report)
  } catch (error) {
    report(error)
  }
}

/** Brings an error to `window.onerror` or `uncaughtException`, where uncaught ones are looked for. */
function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else
    queueMicrotask(() => {
      throw error
    })
}

interface Entry {
  readonly type: string | undefined
  /** Missing as soon as it is removed, for those who still hold the list. */
  run: Run | undefined
}

export class Listeners {
  // Replaced, never changed: whoever is added while an event is under way hears the next one.
  #entries: readonly Entry[] = []

  /** Adds a listener of one type, or of all where `type` is undefined. Returns its undo. */
  add(type: string | undefined, run: Run): () => void {
    const entry: Entry = { type, run }
    this.#entries = [...this.#entries, entry]
    return () => {
      entry.run = undefined
      this.#entries = this.#entries.filter((other) => other !== entry)
    }
  }

  /** Calls the listeners of an event in the order of their arrival; reads its data only if there is one. */
  emit(raw: ServerSentEvent, read?: (raw: ServerSentEvent) => ServerSentEvent<string, unknown> | undefined): void {
    let event: ServerSentEvent<string, unknown> | undefined
    for (const { type, run } of this.#entries) {
      if (!run || (type !== undefined && type !== raw.type)) continue
      event ??= read ? read(raw) : raw
      if (!event) return
      call(run, event)
    }
  }
}
