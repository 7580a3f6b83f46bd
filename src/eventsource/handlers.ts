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
  const handlers = new Map<string, { value: unknown; undo: () => void }>()
  const get = (type: string) => handlers.get(type)?.value ?? null

  function set(type: string, value: unknown) {
    const known = handlers.get(type)
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
      known?.undo()
      handlers.delete(type)
    } else if (known) known.value = value
    else {
      const listener = (event: Event) => {
        const current = get(type)
        // "If return value is false, then set event's canceled flag."
        if (typeof current === 'function' && current.call(target, event) === false) event.preventDefault()
      }
      handlers.set(type, { value, undo: () => target.removeEventListener(type, listener) })
      if (!callsHandlers) target.addEventListener(type, listener)
    }
  }
  return { get, set }
}

/** Whether EventTarget looks for handlers by itself, as workerd's does: ours would run twice. */
const callsHandlers = (() => {
  let called = false
  const target = Object.assign(new EventTarget(), { ona: () => (called = true) })
  target.dispatchEvent(new Event('a'))
  return called
})()
