import { parseArgs } from 'node:util'
import { UsageError } from './usage.ts'

const options = {
  header: { type: 'string', short: 'H', multiple: true },
  request: { type: 'string', short: 'X' },
  data: { type: 'string', short: 'd', multiple: true },
  user: { type: 'string', short: 'u' },
  event: { type: 'string', short: 'e', multiple: true },
  json: { type: 'boolean', short: 'j' },
  raw: { type: 'boolean', short: 'r' },
  timestamps: { type: 'boolean', short: 't' },
  max: { type: 'string', short: 'n' },
  until: { type: 'string' },
  'last-id': { type: 'string' },
  resume: { type: 'string' },
  'no-reconnect': { type: 'boolean' },
  idle: { type: 'string' },
  stats: { type: 'boolean' },
  silent: { type: 'boolean', short: 's' },
  verbose: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
  port: { type: 'string' },
  host: { type: 'string' },
  history: { type: 'string' },
  cors: { type: 'string', multiple: true },
  exit: { type: 'boolean' },
  // What the fingers write after `curl`, and what is so here anyway.
  'no-buffer': { type: 'boolean', short: 'N' },
  location: { type: 'boolean', short: 'L' },
} as const

export type Values = ReturnType<typeof parse>['values']

/** The words of the command line; a word that is not known is a `UsageError`. */
export function parse(words: string[]) {
  try {
    return parseArgs({ args: words, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** A whole number of at least `least`, or `undefined` where the option was not given. */
export function count(values: Values, name: 'max' | 'idle' | 'port' | 'history', least: number): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text) || Number(text) < least)
    throw new UsageError(`--${name} takes a whole number of at least ${least}, not ${text}`)
  return Number(text)
}

/** `localhost:3000/events` and `:3000` are addresses too; TLS where a host is named that is not this machine. */
export function address(word: string): URL {
  const local = /^(localhost|127\.|\[::1\]|:\d)/.test(word)
  const text = /^[a-z][a-z+.-]*:\/\//i.test(word)
    ? word
    : `${local ? 'http' : 'https'}://${word.replace(/^:/, 'localhost:')}`
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new UsageError(`${word} is no address`)
  }
  if (!/^https?:$/.test(url.protocol)) throw new UsageError(`${word} is no http address`)
  return url
}

/** The headers of `-H 'Name: value'` and `-u`. */
export function headersOf({ header = [], user }: Values): Headers {
  const headers = new Headers()
  for (const line of header) {
    const at = line.indexOf(':')
    try {
      if (at < 1) throw new TypeError()
      headers.append(line.slice(0, at).trim(), line.slice(at + 1).trim())
    } catch {
      throw new UsageError(`-H takes 'Name: value', not ${line}`)
    }
  }
  if (user !== undefined) headers.set('authorization', `Basic ${Buffer.from(user).toString('base64')}`)
  return headers
}
