import { UnmissedError } from '../protocol/errors.ts'
import type { Connection } from './client.ts'
import { limited } from './limited.ts'
import { SCRIPTS, type ScriptName } from './lua/scripts.ts'

/** Redis has no other way to ask the very server that has a key. */
const IDENTIFY = `return { redis.call('INFO', 'server'), redis.call('INFO', 'memory') }`
/** How long Redis may take to answer, in milliseconds: a client may leave for ever pending what it sent to a server that is gone. */
const ANSWER = 4000
/** How often it is tried again where the server changes while it is asked. */
const TRIES = 5

/** One process of a server. Its scripts are its own: another one does not know them by their hash. */
interface Server {
  /** What stands for it in a script. */
  readonly run: string
  /** Whether a script can tell that it runs on another one. */
  readonly isKnown: boolean
  readonly hashes: Map<ScriptName, Promise<string> | string>
}

/** Runs scripts, and knows on which server. */
export class Runner {
  readonly #connection: Connection
  readonly #onError: (error: unknown) => void
  /** By hash tag where there are many servers. */
  readonly #servers = new Map<string, Server>()
  readonly #asking = new Map<string, Promise<Server>>()
  readonly #told = new Set<string>()

  constructor(connection: Connection, onError: (error: unknown) => void) {
    this.#connection = connection
    this.#onError = onError
  }

  /** Runs a script by its hash, and by its text where the server does not know it: not yet, or because it is another one. */
  async run(name: ScriptName, keys: readonly string[], args: readonly [string, string, string, ...string[]]) {
    const [key = ''] = keys
    const [fresh, epoch, offset, ...rest] = args
    const send = (by: string, what: string, isAsked: '0' | '1'): Promise<unknown> =>
      this.#send(key, by, what, String(keys.length), ...keys, fresh, epoch, offset, isAsked, ...rest)
    for (let tries = 1; ; tries++) {
      const server = this.#servers.get(this.#placeOf(key)) ?? (await this.#identify(key))
      const hash = hashOf(server, name)
      try {
        return await send('EVALSHA', typeof hash === 'string' ? hash : await hash, '0')
      } catch (error) {
        if (!/^NOSCRIPT/.test((error as Error).message)) throw error
      }
      const now = await this.#identify(key, server)
      try {
        return await send('EVAL', textOf(now, name), now.isKnown ? '1' : '0')
      } catch (error) {
        if (tries === TRIES || !/UNMISSED other-server/.test((error as Error).message)) throw error
      }
    }
  }

  #send(key: string, ...args: string[]): Promise<unknown> {
    return limited(this.#connection.send(key, ...args), ANSWER)
  }

  #placeOf(key: string): string {
    // All keys of one hash tag are on one server.
    return this.#connection.isCluster ? (/\{([^}]*)\}/.exec(key)?.[1] ?? key) : ''
  }

  /** Asks which server it is: once for all who ask at the same time, and not again where another one is known by now. */
  #identify(key: string, before?: Server): Promise<Server> {
    const place = this.#placeOf(key)
    const known = this.#servers.get(place)
    if (known && known !== before) return Promise.resolve(known)
    let asking = this.#asking.get(place)
    if (!asking) {
      asking = this.#ask(key).then((server) => {
        // The same one, which has only forgotten its scripts, keeps its hashes.
        const same = before?.run === server.run ? before : server
        this.#servers.set(place, same)
        return same
      })
      const asked = asking.finally(() => this.#asking.delete(place))
      asked.catch(() => {})
      this.#asking.set(place, asking)
    }
    return asking
  }

  async #ask(key: string): Promise<Server> {
    let said: string
    try {
      said = String(((await this.#send(key, 'EVAL', IDENTIFY, '1', key)) as string[]).join('\n'))
    } catch (error) {
      if (!/^(NOPERM|ERR) /.test((error as Error).message)) throw error
      said = ''
    }
    const [, id] = /^run_id:(\w+)/m.exec(said) ?? []
    const [, major] = /^redis_version:(\d+)/m.exec(said) ?? []
    const [, policy = ''] = /^maxmemory_policy:(\S+)/m.exec(said) ?? []
    if (policy.startsWith('allkeys')) {
      this.#tell('evicts', `Redis has ${policy}: when it is full it drops logs as well; use noeviction or volatile-*`)
    }
    if (!id) {
      this.#tell('no-run-id', 'Redis does not say its run_id (INFO server): what a restart loses may go unnoticed')
      return { run: `'unknown'`, isKnown: false, hashes: new Map() }
    }
    // Up to version 6 a server hands its scripts on, to who takes over from it and to its own next process.
    const run = Number(major) >= 7 ? `'${id}'` : `string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')`
    return { run, isKnown: true, hashes: new Map() }
  }

  #tell(code: string, message: string) {
    if (this.#told.has(code)) return
    this.#told.add(code)
    this.#onError(new UnmissedError(code, message))
  }
}

function textOf({ run }: Server, name: ScriptName): string {
  return SCRIPTS[name].replace('local run = RUN', `local run = ${run}`)
}

/** SHA-1 as `EVALSHA` wants it, from what every runtime has. */
function hashOf(server: Server, name: ScriptName): Promise<string> | string {
  const known = server.hashes.get(name)
  if (known) return known
  const hash = crypto.subtle.digest('SHA-1', new TextEncoder().encode(textOf(server, name))).then((bytes) => {
    const text = [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    server.hashes.set(name, text)
    return text
  })
  server.hashes.set(name, hash)
  return hash
}
