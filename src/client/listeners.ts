import type { ServerSentEvent } from '../protocol/event.ts'

type Run = (event: ServerSentEvent<string, unknown>) => unknown

/** Calls what the user gave us; its mistake is its own, and disturbs nobody else. */
export function call<Args extends unknown[]>(run: ((...args: Args) => unknown) | undefined, ...args: Args): void {
  try {
    const result = run?.(...args)
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
  readonly once: boolean
  /** Missing as soon as it is removed, for those who still hold the list. */
  run: Run | undefined
}

export interface Listeners {
  /** Adds a listener of one type, or of all where `type` is undefined. Returns its undo. */
  add(type: string | undefined, run: Run, once?: boolean): () => void
  /** Calls the listeners of an event in the order of their arrival; reads its data only if there is one. */
  emit(raw: ServerSentEvent, read: (raw: ServerSentEvent) => ServerSentEvent<string, unknown> | undefined): void
}

export function createListeners(): Listeners {
  // Replaced, never changed: whoever is added while an event is under way hears the next one.
  let entries: Entry[] = []
  function remove(entry: Entry) {
    entry.run = undefined
    entries = entries.filter((other) => other !== entry)
  }
  return {
    add(type, run, once = false) {
      const entry = { type, run, once }
      entries = [...entries, entry]
      return () => remove(entry)
    },
    emit(raw, read) {
      let event: ServerSentEvent<string, unknown> | undefined
      for (const entry of entries) {
        const { type, run, once } = entry
        if (!run || (type ?? raw.type) !== raw.type) continue
        event ??= read(raw)
        if (!event) return
        if (once) remove(entry)
        call(run, event)
      }
    },
  }
}
