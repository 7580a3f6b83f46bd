import { onTrace, traceListeners } from './trace-listeners.ts'

/**
 * What a connection does and why, a line for each step, for whoever debugs it. The production build leaves out what this file
 * does (its function is empty there), and the texts with it.
 */

/** What tells connections apart, and when they began. */
const known = new WeakMap<object, { readonly number: number; readonly begin: number }>()
let connections = 0
let isAsked = false

/**
 * Tells a step: whose it is, and a text. Both come from one function, made only where somebody listens, so that a bundler can
 * drop the whole call.
 */
export function trace(step: () => readonly [connection: object, text: string]): void {
  if (!isAsked) ask()
  if (!traceListeners.size) return
  const [connection, text] = step()
  const { number, begin } = known.get(connection) ?? { number: ++connections, begin: Date.now() }
  known.set(connection, { number, begin })
  const line = `unmissed ${number} +${((Date.now() - begin) / 1000).toFixed(3)}s ${text}`
  for (const listener of [...traceListeners]) {
    try {
      listener(line)
    } catch {
      // Who watches changes nothing.
    }
  }
}

/** Looks once whether somebody asked for it from outside of the program. */
function ask() {
  isAsked = true
  // Deno would ask its user for leave to look.
  if ('Deno' in globalThis) return
  const isNode = !!globalThis.process?.versions?.node
  try {
    const names = isNode ? globalThis.process.env['NODE_DEBUG'] : globalThis.localStorage?.getItem('debug')
    // Node's own output belongs to the program.
    if (/\bunmissed\b|^\*$/i.test(names ?? '')) onTrace(isNode ? console.error : console.debug)
  } catch {
    // A page may be forbidden to ask.
  }
}
