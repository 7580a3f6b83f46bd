import { parseArgs } from 'node:util'
import { nearest } from '../check/nearest.ts'
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
  wait: { type: 'string' },
  origin: { type: 'string' },
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
    const { code, message } = error as NodeJS.ErrnoException
    const [, word] = (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && /'(-[^']+)'/.exec(message)) || []
    throw new UsageError(word ? unknown(word) : message)
  }
}

function unknown(word: string): string {
  const name = nearest(word.replace(/^-+/, ''), Object.keys(options))
  return `${word} is no option; ${name ? `did you mean --${name}?` : 'see unmissed --help'}`
}

/** A whole number within bounds, or `undefined` where the option was not given. */
export function count(
  values: Values,
  name: 'max' | 'idle' | 'port' | 'history' | 'wait',
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) {
    const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
    throw new UsageError(`--${name} takes a whole number ${bounds}, not ${text}`)
  }
  return Number(text)
}

/** This machine, and nothing that only begins like it: what is sent to `localhost.example.com` needs TLS. */
const LOCAL = /^(localhost|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])?(:\d+)?([/?#]|$)/i

/** `localhost:3000/events` and `:3000` are addresses too; TLS where a host is named that is not this machine. */
export function address(word: string): URL {
  const text = /^[a-z][a-z+.-]*:\/\//i.test(word)
    ? word
    : `${LOCAL.test(word) ? 'http' : 'https'}://${word.replace(/^:/, 'localhost:')}`
  // A URL forgives slashes: a path alone would name a host of the world.
  if (/^[/\\]/.test(word) || !URL.canParse(text)) throw new UsageError(`${word} is no address`)
  const url = new URL(text)
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
  if (user !== undefined) headers.set('authorization', basic(user.includes(':') ? user : `${user}:`))
  return headers
}

/** Moves a name and a password out of an address, where curl takes them and fetch refuses them, into their header. */
export function takeCredentials(url: URL, headers: Headers): void {
  const { username, password } = url
  if ((username || password) && !headers.has('authorization'))
    headers.set('authorization', basic(`${decoded(username)}:${decoded(password)}`))
  url.username = ''
  url.password = ''
}

/** Basic credentials (RFC 7617) of `name:word`. */
export const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`

/** What an address holds percent-encoded; as it is where that is broken. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
