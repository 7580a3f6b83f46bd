import type { ServerSentEvent } from '../../protocol/event.ts'
import type { Connection } from '../connect.ts'
import { Handle } from '../handle.ts'
import { call } from '../listeners.ts'
import type { AttemptInfo, ConnectOptions } from '../options.ts'
import { fromPlace, toPlace } from '../place.ts'
import type { RetryOptions } from '../retry.ts'
import { type Live, merge } from './live.ts'

/** Without a way to read data: every member has its own. */
type RawOptions = ConnectOptions & { parse?: undefined; schemas?: undefined }

/** Whose options these are. */
type Members = readonly { readonly live: Live }[]

/** What is told to every member; of all other options of the connection the newest count. */
const TOLD = ['onOpen', 'onState', 'onError', 'onComment', 'onGap'] as const

/** The options of all who share a connection, in one object that it reads whenever it needs one of them. */
export class SharedOptions {
  /** Of each option what was given last, by whoever is there. */
  given!: Live
  /** What the connection reads. */
  readonly #options: RawOptions = {}
  readonly #policy: RetryOptions = {}
  /** What the cursor found last, and where. */
  #located: { raw?: ServerSentEvent; id?: string | undefined } = {}

  /** Writes down anew what the members want. What may change while a body is read is asked by functions. */
  write(members: Members, from: string | undefined): void {
    const given = merge(...members.map(({ live }) => live))
    const { cursor, until, retry, resume, lastEventId } = given
    this.given = given
    replace(this.#policy, typeof retry === 'object' ? retry : {})
    const told = TOLD.filter((name) => given[name]).map((name) => {
      const tell = (value: never) => {
        for (const { live } of members) call<never>(live[name], value)
      }
      return [name, tell]
    })
    replace(this.#options, given, Object.fromEntries(told), {
      parse: undefined,
      schemas: undefined,
      // These two are the stream's business, but the connection should know whether there is an end to be expected.
      until: until === undefined ? until : () => false,
      signal: undefined,
      cursor: cursor && ((raw: ServerSentEvent) => this.locate(raw)),
      lastEventId: from ?? lastEventId,
      // What was shown so far tells better where to go on than what was saved.
      resume: resume && {
        load: from === undefined && resume.load ? async () => whole(await resume.load?.()) : undefined,
        save: (id: string) => this.given.resume?.save?.(id),
      },
    })
  }
  connect(): Connection {
    const options = this.#options
    // A connection may take hold of these numbers when it is made: they stay in one object, which changes with the option.
    options.retry = this.#policy
    const { url } = this.given
    // Another address is another stream; a function may be another one at each render.
    const asked = (info: AttemptInfo) => (this.given.url as (info: AttemptInfo) => string)(info)
    const connection = new Handle(typeof url === 'function' ? asked : (url as string), options)
    options.retry = this.given.retry
    return connection
  }
  /** The id that the cursor finds; asked once for each event, by the stream or by the connection. */
  locate(raw: ServerSentEvent): string | undefined {
    if (this.#located.raw !== raw) {
      this.#located = { raw }
      call((raw) => {
        this.#located.id = this.given.cursor?.(raw)
      }, raw)
    }
    return this.#located.id
  }
}

/** A run is shown whole: what was shown before is gone with the page. */
function whole(place: string | null | undefined): string | null | undefined {
  const [, resource] = fromPlace(place ?? '')
  return resource ? toPlace('', resource) : place
}

/** Makes an object hold what the others hold; whatever else it held is undefined. */
function replace(target: object, ...sources: object[]) {
  const none = Object.fromEntries(Object.keys(target).map((name) => [name, undefined]))
  Object.assign(target, none, ...sources)
}
