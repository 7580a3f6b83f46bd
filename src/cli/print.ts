import { encode } from '../protocol/encode.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { Values } from './args.ts'
import { line, lines, quoted, tamed } from './visible.ts'

export type Paint = (code: number, text: string) => string

/** Colours for a terminal, none for anything else; NO_COLOR and FORCE_COLOR are heard. */
export function painter(stream: NodeJS.WriteStream): Paint {
  const { NO_COLOR, FORCE_COLOR } = process.env
  const colours = NO_COLOR ? false : FORCE_COLOR ? FORCE_COLOR !== '0' : stream.isTTY
  return (code, text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text)
}

/**
 * How an event becomes text: a line for a person on a terminal, and just its data for a pipe. On a terminal a server's
 * control characters are shown and not obeyed, whatever the form; in a pipe the data is what the server sent.
 */
export function formatter(
  { json, raw, timestamps }: Values,
  stream: NodeJS.WriteStream,
): (event: ServerSentEvent) => string {
  const paint = painter(stream)
  const time = () => new Date().toISOString()
  const stamp = () => (timestamps ? `${paint(2, time())} ` : '')
  if (json) return (event) => `${asJson(event, timestamps ? time() : undefined)}\n`
  if (raw) {
    const frame = framer()
    return stream.isTTY ? (event) => lines(frame(event)) : frame
  }
  if (!stream.isTTY) return ({ data }) => `${stamp()}${data}\n`
  return ({ type, data, id }) => {
    const name = type === 'message' ? '' : `${paint(36, line(type))} `
    return `${stamp()}${name}${lines(data)}${id ? paint(2, ` ${line(id)}`) : ''}\n`
  }
}

function asJson({ type, data, id }: ServerSentEvent, time: string | undefined): string {
  const first = time === undefined ? '' : `"time":"${time}",`
  return `{${first}"type":${quoted(type)},"data":${embedded(data)},"id":${quoted(id)}}`
}

/**
 * Data that is JSON is written as JSON, so that `jq .data.price` finds it: as its own text, because a number that is read
 * and written again may be another. A line end in it stands between its parts, and becomes a space.
 */
function embedded(data: string): string {
  try {
    JSON.parse(data)
  } catch {
    return quoted(data)
  }
  return tamed(data.replaceAll('\n', ' '))
}

/**
 * Writes events as the frames that they came in, near enough: whoever reads them gets the same events. A type may hold
 * NUL, which `encode` refuses to begin with.
 */
function framer(): (event: ServerSentEvent) => string {
  let before = ''
  return ({ type, data, id }) => {
    const idLine = id || before ? `id: ${id}\n` : ''
    before = id
    return `${idLine}${type === 'message' ? '' : `event: ${type}\n`}${encode({ data })}`
  }
}
