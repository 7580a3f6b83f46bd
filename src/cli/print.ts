import { encode } from '../protocol/encode.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { Values } from './args.ts'

export type Paint = (code: number, text: string) => string

/** Colours for a terminal, none for anything else; NO_COLOR and FORCE_COLOR are heard. */
export function painter(stream: NodeJS.WriteStream): Paint {
  const { NO_COLOR, FORCE_COLOR } = process.env
  const colours = NO_COLOR ? false : FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY
  return (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text)
}

// A server's text must not move the cursor, ring or recolour: on a terminal control characters are shown, not obeyed.
const visible = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** How an event becomes a line: for a person on a terminal, and just its data for a pipe. */
export function formatter(
  { json, raw, timestamps }: Values,
  stream: NodeJS.WriteStream,
): (event: ServerSentEvent) => string {
  const paint = painter(stream)
  const stamp = () => (timestamps ? `${paint(2, new Date().toISOString())} ` : '')
  if (json)
    return ({ type, data, id }) =>
      `${JSON.stringify({ ...(timestamps && { time: new Date().toISOString() }), type, data: parsed(data), id })}\n`
  if (raw)
    return ({ type, data, id }) => encode({ type: type === 'message' ? undefined : type, data, id: id || undefined })
  if (!stream.isTTY) return ({ data }) => `${stamp()}${data}\n`
  return ({ type, data, id }) => {
    const name = type === 'message' ? '' : `${paint(36, visible(type))} `
    return `${stamp()}${name}${visible(data)}${id ? paint(2, ` ${visible(id)}`) : ''}\n`
  }
}

/** Data that is JSON is written as JSON, so that `jq .data.price` finds it. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}
