import type { ServerSentEvent } from '../protocol/event.ts'

export type AnyEvent = ServerSentEvent<string, unknown>
type Run = (event: AnyEvent) => unknown

/**
 * Calls what the user gave us; its mistake is its own, and disturbs nobody else. Returns a promise of its end, which never
 * rejects, if it has not ended yet.
 */
export function call<Value>(run: ((value: Value) => unknown) | undefined, value?: Value): Promise<unknown> | undefined {
  try {
    const result = run?.(value as Value) as PromiseLike<unknown> | undefined
    // Anything but an object is no promise, and a new promise for each event would be felt.
    if (result && typeof result === 'object' && typeof result.then === 'function')
      return Promise.resolve(result).catch(report)
  } catch (error) {
    report(error)
  }
  return undefined
}

/** Brings an error to `window.onerror` or `uncaughtException`, where uncaught ones are looked for. */
export function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else
    queueMicrotask(() => {
      throw error
    })
}

/** Who has to know when listeners are done that take their time. */
interface Holder<Mark> {
  hold(): Mark
  release(mark: Mark): void
}

interface Entry {
  readonly type: string | undefined
  /** Missing as soon as it is removed, for those who still hold the list. */
  run: Run | undefined
  readonly signal: AbortSignal | undefined
  readonly undo: () => void
}

export class Listeners {
  // Replaced, never changed: whoever is added while an event is under way hears the next one.
  #entries: readonly Entry[] = []

  get size(): number {
    return this.#entries.length
  }

  /** Adds a listener of one type, or of all where `type` is undefined, until its undo, or its signal. Returns that undo. */
  add(type: string | undefined, run: Run, signal?: AbortSignal): () => void {
    const undo = () => {
      entry.run = undefined
      this.#entries = this.#entries.filter((other) => other !== entry)
      signal?.removeEventListener('abort', undo)
    }
    const entry: Entry = { type, run, signal, undo }
    if (signal?.aborted) return undo
    this.#entries = [...this.#entries, entry]
    signal?.addEventListener('abort', undo)
    return undo
  }

  /** Nothing will be emitted any more: signals that outlive us are not to keep us. */
  end(): void {
    for (const { signal, undo } of this.#entries) signal?.removeEventListener('abort', undo)
  }

  /** Calls the listeners of an event in the order of their arrival; reads its data only if there is one. */
  emit<Mark>(
    raw: ServerSentEvent,
    read: ((raw: ServerSentEvent) => AnyEvent | undefined) | undefined,
    holder?: Holder<Mark>,
  ): void {
    let event: AnyEvent | undefined
    for (const { type, run } of this.#entries) {
      if (!run || (type !== undefined && type !== raw.type)) continue
      event ??= read ? read(raw) : raw
      if (!event) return
      const end = call(run, event)
      if (!end || !holder) continue
      const mark = holder.hold()
      end.then(() => holder.release(mark))
    }
  }
}
