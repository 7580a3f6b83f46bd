import type { Log, Peers } from '../../log/log.ts'
import { OptionError } from '../check.ts'
import type { Subscriber } from '../reader/subscriber.ts'
import type { Audience, Everyone } from './audience.ts'
import type { EverywhereStats, HubStats, Whom } from './options.ts'
import { checkWhom } from './whom.ts'

/** What a hub can do for the others that share its log. */
export interface Local {
  stats(): HubStats
  disconnect(who: Whom<Subscriber> | Everyone, options: { readonly now?: boolean | undefined }): number
  report(error: unknown): void
}

type Question = { readonly stats: true } | { readonly disconnect: Audience | Everyone; readonly now: boolean }

/** The hubs of all processes that share a log, as one. Where the log is not shared that is this one. */
export class Everywhere {
  readonly #log: Log
  readonly #local: Local
  #peers: Peers | undefined

  constructor(log: Log, local: Local) {
    this.#log = log
    this.#local = local
  }

  /** From now on the others know of this one. */
  join(): void {
    this.#peers ??= this.#log.join?.((question) => this.#answer(question))
  }

  async stats(): Promise<EverywhereStats> {
    const others = (await this.#ask({ stats: true })) as HubStats[]
    return others.reduce(add, { ...this.#local.stats(), processes: 1 })
  }

  async disconnect(who: Whom<Subscriber> | Everyone, now: boolean): Promise<number> {
    const { where, ...whom } = checkWhom(who)
    if (where)
      throw new OptionError('where is a function and cannot leave the process: name a topic, a user or a client')
    const here = this.#local.disconnect(who, { now })
    const disconnect = Object.keys(whom).length ? whom : 'everyone'
    const others = (await this.#ask({ disconnect, now })) as number[]
    return others.reduce((sum, count) => sum + count, here)
  }

  /** Counts a connection of a user in, unless there are so many already; what counts it out again. */
  async claim(user: string, most: number): Promise<(() => void) | undefined> {
    this.join()
    const peers = this.#peers
    if (!peers) return () => {}
    if (!(await peers.enter(user, most))) return undefined
    return () => void peers.leave(user).catch((error) => this.#local.report(error))
  }

  close(): void {
    this.#peers?.close()
  }

  async #ask(question: Question): Promise<unknown[]> {
    this.join()
    const answers = (await this.#peers?.ask(JSON.stringify(question))) ?? []
    return answers.flatMap((answer) => {
      try {
        return [JSON.parse(answer)]
      } catch (error) {
        // Whoever it is from, it is none of us.
        this.#local.report(error)
        return []
      }
    })
  }

  #answer(text: string): string {
    const question = JSON.parse(text) as Question
    return JSON.stringify(
      'stats' in question ? this.#local.stats() : this.#local.disconnect(question.disconnect, { now: question.now }),
    )
  }
}

function add(sum: EverywhereStats, one: HubStats): EverywhereStats {
  return {
    connections: sum.connections + one.connections,
    users: added(sum.users, one.users),
    topics: added(sum.topics, one.topics),
    states: added(sum.states, one.states),
    newest: sum.newest ?? one.newest,
    processes: sum.processes + 1,
  }
}

function added<Key extends string>(
  sum: Readonly<Record<Key, number>>,
  one: Readonly<Record<Key, number>>,
): Record<Key, number> {
  const all: Record<Key, number> = { ...sum }
  for (const [key, count] of Object.entries<number>(one)) all[key as Key] = (all[key as Key] ?? 0) + count
  return all
}
