/** The event handler attributes of one target (§8.1.8.1). */
export interface Handlers {
  get(type: string): unknown
  /**
   * A handler keeps its place among the listeners while it is replaced, and loses it when it is set to null. An object that
   * cannot be called is kept and not called; anything else counts as null.
   */
  set(type: string, value: unknown): void
}

export function createHandlers(target: EventTarget): Handlers {
  const values: Record<string, unknown> = {}

  // One for all types: adding it a second time changes nothing, which keeps its place.
  function listener(event: Event) {
    const current = values[event.type]
    // "If return value is false, then set event's canceled flag."
    if (typeof current === 'function' && current.call(target, event) === false) event.preventDefault()
  }

  return {
    get: (type) => values[type] ?? null,
    set(type, value) {
      const isHandler = typeof value === 'object' || typeof value === 'function'
      values[type] = isHandler ? value : null
      if (values[type] === null) target.removeEventListener(type, listener)
      else if (!callsHandlers) target.addEventListener(type, listener)
    },
  }
}

/** Whether EventTarget looks for handlers by itself, as workerd's does: ours would run twice. */
let callsHandlers = false
const probe = { ona: () => (callsHandlers = true) }
Object.assign(new EventTarget(), probe).dispatchEvent(new Event('a'))
