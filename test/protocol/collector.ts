import { createParser, type ParserOptions, type ServerSentEvent } from '../../src/index.ts'

export const event = (data: string, id = '', type = 'message'): ServerSentEvent => ({ type, data, id })

/** A parser and the events it has dispatched. */
export function collector(options: ParserOptions = {}) {
  const events: ServerSentEvent[] = []
  return { events, parser: createParser({ onEvent: (event) => void events.push(event), ...options }) }
}

/** What `act` throws, and nothing else. */
export function thrown(act: () => void): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('it did not throw')
}
