/**
 * What a terminal would obey: control characters, which move the cursor, ring, recolour and answer in the user's name, and
 * those that turn the direction of the text. Tabs stay; so do line ends, for `lines`.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

const named = (char: string) => {
  const code = char.charCodeAt(0)
  return code > 255 ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`
}

/** A server's text with its control characters shown and not obeyed; its lines stay lines. */
export const lines = (text: string): string => text.replace(OBEYED, named)

/** The same as one line. */
export const line = (text: string): string => lines(text.trimEnd().replace(/\s*\n\s*/g, ' '))

/** A string as JSON, in which nothing is left that a terminal would obey. */
export const quoted = (text: string): string => tamed(JSON.stringify(text))

/** JSON whose strings hold nothing that a terminal would obey; it means the same. */
export const tamed = (json: string): string =>
  json.replace(OBEYED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A string as one word of a shell, which runs nothing of it: an id may be `$(reboot)`. */
export function shellWord(text: string): string {
  if (text.search(OBEYED) < 0) return `'${text.replaceAll("'", "'\\''")}'`
  return `$'${tamed(text.replace(/[\\']/g, '\\$&'))}'`
}
