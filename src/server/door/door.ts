import { OptionError } from '../check.ts'
import type { Exchange, HubRequest, Refusal } from '../http/exchange.ts'
import { latin1, merged, streamHead } from '../http/headers.ts'
import { headOnly, judge, lastEventId, METHODS, type Negotiate, used } from '../http/negotiation.ts'
import { within } from '../within.ts'
import type { Authorize } from './authorize.ts'
import { Cors, type CorsOptions, NONE } from './cors.ts'
import { combine, type Grants } from './grant.ts'
import { type LimitOptions, Limits, type Place } from './limits.ts'
import { checkSubscription, type Subscription } from './subscription.ts'

/** What the door goes by. */
export interface DoorOptions {
  readonly authorize?: Authorize | undefined
  readonly authorizeTimeout?: number | undefined
  readonly cors?: CorsOptions | CorsOptions['origins'] | undefined
  readonly limits?: LimitOptions | undefined
  readonly methods?: readonly string[] | undefined
  readonly negotiate?: Negotiate | undefined
  readonly headers?: Record<string, string> | undefined
  readonly heartbeat?: number | undefined
}

/** Where a reader begins, as far as the door has to tell it. */
export interface Beginning {
  /** The id before the first event that will come: the one asked for, unless there is a gap. */
  readonly id: string
}

/** Whose door it is. */
export interface House<Guest, Start extends Beginning> {
  readonly closing: boolean
  /** Makes a reader of what was granted, whole, before anything is sent. */
  make(exchange: Exchange, asked: string, grants: Grants): Guest
  /** Where the reader begins; or why it is not to. */
  begin(guest: Guest): Promise<Start | Refusal>
  /** Sends the head, and takes the reader in. */
  seat(guest: Guest, place: Place, start: Start, head: Record<string, string>): void
  /** Counts a connection of a user in, over all processes; what counts it out, or nothing where there are too many. */
  claim(user: string, most: number): Promise<(() => void) | undefined>
  refused(refusal: Refusal, request: HubRequest): void
  report(error: unknown): void
}

/** How long `authorize` may take where nobody says, in milliseconds. */
const AUTHORIZE_TIMEOUT = 10_000

/** Who gets in, and what the others are answered. Nothing is sent before all have agreed. */
export class Door<Guest, Start extends Beginning> {
  readonly #house: House<Guest, Start>
  readonly #options: DoorOptions
  readonly #cors: Cors
  readonly #limits: Limits
  readonly #head: Record<string, string>

  constructor(house: House<Guest, Start>, options: DoorOptions) {
    this.#house = house
    this.#options = options
    this.#cors = new Cors(options.cors)
    this.#limits = new Limits(options.limits ?? {})
    this.#head = streamHead(options.heartbeat, 'ids=unique')
  }

  /** Never rejects: what goes wrong is an answer too. */
  async enter(exchange: Exchange, subscription: Subscription): Promise<Guest | undefined> {
    let cors: Record<string, string> = NONE
    let place: Place | undefined
    let seated: Guest | undefined
    try {
      checkSubscription(subscription)
      cors = this.#cors.headers(exchange)
      if (this.#cors.preflight(exchange, this.#options.methods ?? METHODS, cors)) return undefined
      if (this.#turnedAway(exchange, subscription, cors)) return undefined
      // One that waits behind others on its socket takes no place before it has come to its turn.
      const turn = exchange.served()
      if (turn) await turn
      if (exchange.gone) return undefined
      const address = this.#addressOf(exchange, subscription)
      const taken = this.#limits.enter(address)
      if ('status' in taken) return this.#refuse(exchange, cors, taken)
      place = taken
      const outcome = await this.#admit(exchange, subscription, place, cors, address)
      if (outcome && typeof outcome === 'object' && 'status' in outcome)
        this.#refuse(exchange, cors, outcome as Refusal)
      else seated = outcome as Guest | undefined
    } catch (error) {
      this.#house.report(error)
      this.#giveUp(exchange, cors, error)
    } finally {
      if (!seated) place?.leave()
    }
    return seated
  }

  #turnedAway(exchange: Exchange, { next }: Subscription, cors: Record<string, string>): boolean {
    const refusal = judge(exchange, this.#options) ?? this.#stopping()
    if (refusal?.status === 406 && next) next()
    else if (refusal) this.#refuse(exchange, cors, refusal)
    return refusal !== undefined
  }

  async #admit(
    exchange: Exchange,
    asked: Subscription,
    place: Place,
    cors: Record<string, string>,
    address: string | undefined,
  ): Promise<Guest | Refusal | undefined> {
    const { authorize, authorizeTimeout = AUTHORIZE_TIMEOUT } = this.#options
    const verdict = authorize ? await within(authorizeTimeout, 'authorize', authorize(exchange)) : true
    const grants = this.#stopping() ?? combine(asked, verdict, address)
    if ('status' in grants) return grants
    const id = lastEventId(exchange) ?? ''
    const refusal = await this.#count(place, grants.subscription.user)
    if (refusal) return refusal
    const guest = this.#house.make(exchange, id, grants)
    const start = await this.#house.begin(guest).catch((error) => {
      // A log that the house has closed by now is no trouble.
      if (!this.#house.closing) throw error
    })
    if (!start) return this.#stopping()
    if (exchange.gone) return undefined
    if ('status' in start) return start
    const head = this.#headFor(start, cors)
    const answer = this.#stopping() ?? headOnly(exchange, head)
    if (answer) return answer
    if (exchange.answered) throw used()
    this.#house.seat(guest, place, start, head)
    return guest
  }

  /** Most are answered the same, but for where they begin: the rest is not made anew. */
  #headFor({ id }: Start, cors: Record<string, string>): Record<string, string> {
    const beginning = { 'Last-Event-ID': latin1(id) }
    const { headers } = this.#options
    if (headers || cors !== NONE) return merged(this.#head, beginning, cors, headers)
    return { ...this.#head, ...beginning }
  }

  /** Takes one of a user's places, here and, where that is wanted, everywhere. */
  async #count(place: Place, user: string | undefined): Promise<Refusal | undefined> {
    const limits = this.#limits
    const refusal = limits.admit(place, user)
    const most = limits.mostEverywhere(user)
    if (refusal || most === undefined) return refusal
    place.release = await this.#house.claim(user as string, most)
    return place.release ? undefined : limits.crowd()
  }

  #addressOf(exchange: Exchange, { address }: Subscription): string | undefined {
    const { limits } = this.#options
    if (address !== undefined) return address
    const told: unknown = limits?.address ? limits.address(exchange) : limits && exchange.address
    if (told !== undefined && typeof told !== 'string') {
      throw new OptionError('limits.address answers at once, with a string, or with undefined where it is not known')
    }
    return told
  }

  #refuse(exchange: Exchange, cors: Record<string, string>, refusal: Refusal): undefined {
    // HEAD is answered this way too.
    if (refusal.status !== 200) this.#house.refused(refusal, exchange)
    exchange.refuse({ ...refusal, headers: merged(cors, refusal.headers) })
    return undefined
  }

  // Without knowing who it is or where it begins, a reader is better sent away than begun wrongly.
  #giveUp(exchange: Exchange, cors: Record<string, string>, error: unknown): void {
    try {
      if (!exchange.answered) this.#refuse(exchange, cors, this.#trouble(error))
      // What somebody else has begun to answer is his.
      else if (exchange.owner) exchange.destroy()
    } catch (another) {
      this.#house.report(another)
      exchange.destroy()
    }
  }

  // A mistake of the program does not pass by itself; what a log or a database is in trouble with may.
  #trouble(error: unknown): Refusal {
    return error instanceof OptionError
      ? { status: 500, message: 'this went wrong here' }
      : this.#limits.refusal(503, 'this cannot be answered now: try again')
  }

  #stopping(): Refusal | undefined {
    return this.#house.closing ? this.#limits.refusal(503, 'the server is about to stop') : undefined
  }
}
