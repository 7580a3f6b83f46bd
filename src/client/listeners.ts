import type { ServerSentEvent } from '../protocol/event.ts'

type Run = (event: ServerSentEvent<string, unknown>) => unknown

/** Calls what the user gave us; its mistake is its own, and disturbs nobody else. */
export function call<Args extends unknown[]>(run: ((...args: Args) => unknown) | undefined, ...args: Args): void {
  try {
    const result = run?.(...args) as PromiseLike<unknown> | undefined
    if (typeof result?.then === 'function') result.then(undefined, report)
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

export interface Listeners {
  /** Adds a listener of one type, or of all where `type` is undefined. Returns its undo. */
  add(type: string | undefined, run: Run, once?: boolean): () => void
  /** Calls the listeners of an event in the order of their arrival; reads its data only if there is one. */
  emit(raw: ServerSentEvent, read: (raw: ServerSentEvent) => ServerSentEvent<string, unknown> | undefined): void
}

export function createListeners(): Listeners {
  // Replaced, never changed: whoever is added while an event is under way hears the next one.
  let entries: { type: string | undefined; run: Run; gone: boolean; once: boolean | undefined }[] = []
  return {
    add(type, run, once) {
      const entry = { type, run, once, gone: false }
      entries = [...entries, entry]
      return () => {
        entry.gone = true
        entries = entries.filter((other) => other !== entry)
      }
    },
    emit(raw, read) {
      let event: ServerSentEvent<string, unknown> | undefined
      for (const entry of entries) {
        if (entry.gone || (entry.type !== undefined && entry.type !== raw.type)) continue
        event ??= read(raw)
        if (!event) return
        if (entry.once) {
          entry.gone = true
          entries = entries.filter((other) => other !== entry)
        }
        call(entry.run, event)
      }
    },
  }
}
