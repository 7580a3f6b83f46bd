import { headOnly, judge, lastEventId, METHODS } from '../reader/accept.ts'
import { combine, type Grants } from './authorize.ts'
import { toId } from '../../log/log.ts'
import { Cors } from './cors.ts'
import type { Exchange, HubRequest, Refusal } from '../http/exchange.ts'
import { latin1, streamHead } from '../http/headers.ts'
import { Limits, type Place } from './limits.ts'
import type { HubOptions } from '../hub/options.ts'
import type { Start } from '../hub/replay.ts'
import type { Subscriber, Subscription } from '../reader/subscriber.ts'

/** All that a reader was granted. */
export interface Admission extends Grants {
  readonly place: Place
}

/** What the gate needs of its hub. */
export interface Guarded {
  readonly closing: boolean
  /** Where a reader begins that asks to resume after an id. */
  begin(asked: string): Promise<Start>
  /** Takes in a reader whose head was sent. */
  seat(exchange: Exchange, id: string, admission: Admission, start: Start): Subscriber
  refused(refusal: Refusal, request: HubRequest): void
  report(error: unknown): void
}

/** Who gets in, and what the others are answered. Nothing is sent before all have agreed. */
export class Gate {
  readonly #hub: Guarded
  readonly #options: HubOptions
  readonly #cors: Cors
  readonly #limits: Limits

  constructor(hub: Guarded, options: HubOptions) {
    this.#hub = hub
    this.#options = options
    this.#cors = new Cors(options.cors)
    this.#limits = new Limits(options.limits ?? {})
  }

  /** Never rejects: what goes wrong is an answer too. */
  async enter(
    exchange: Exchange,
    subscription: Subscription | (() => void) = {},
    next?: () => void,
  ): Promise<Subscriber | undefined> {
    // Express calls a handler with `next` as the third argument.
    if (typeof subscription === 'function') return this.enter(exchange, {}, subscription)
    const { methods = METHODS, limits } = this.#options
    let cors: Record<string, string> = {}
    let place: Place | undefined
    let subscriber: Subscriber | undefined
    const refuse = (refusal: Refusal): void => {
      // HEAD is answered this way too.
      if (refusal.status !== 200) this.#hub.refused(refusal, exchange)
      exchange.refuse({ ...refusal, headers: { ...cors, ...refusal.headers } })
    }
    try {
      cors = this.#cors.headers(exchange)
      if (this.#cors.preflight(exchange, methods, cors)) return undefined
      const refusal = judge(exchange, methods) ?? this.#stopping()
      if (refusal?.status === 406 && next) next()
      else if (refusal) refuse(refusal)
      if (refusal) return undefined
      const address = subscription.address ?? (limits?.address ? limits.address(exchange) : limits && exchange.address)
      const taken = this.#limits.enter(address)
      if ('status' in taken) return refuse(taken) as undefined
      place = taken
      const outcome = await this.#admit(exchange, { ...subscription, address }, place, cors)
      if (outcome && 'status' in outcome) refuse(outcome)
      else subscriber = outcome
    } catch (error) {
      this.#hub.report(error)
      // Without knowing who it is or where it begins, a reader is better sent away than begun wrongly.
      if (!exchange.answered) refuse(this.#limits.refusal(503, 'try again'))
    } finally {
      if (!subscriber) place?.leave()
    }
    return subscriber
  }

  async #admit(
    exchange: Exchange,
    asked: Subscription,
    place: Place,
    cors: Record<string, string>,
  ): Promise<Subscriber | Refusal | undefined> {
    const { authorize, headers, heartbeat } = this.#options
    const granted = combine(asked, authorize ? await authorize(exchange) : true)
    if ('status' in granted) return granted
    const id = lastEventId(exchange) ?? ''
    const refusal = this.#limits.admit(place, granted.subscription.user)
    if (refusal) return refusal
    const start = await this.#hub.begin(id)
    if (exchange.gone) return undefined
    const head = {
      ...streamHead(heartbeat, 'ids=unique'),
      // The id before the first event that will come: the one asked for, unless there is a gap.
      'Last-Event-ID': id && !start.gap ? latin1(id) : toId(start.position),
      ...cors,
      ...headers,
    }
    const answer = this.#stopping() ?? headOnly(exchange, head)
    if (answer) return answer
    exchange.open(head)
    return this.#hub.seat(exchange, id, { ...granted, place }, start)
  }

  #stopping(): Refusal | undefined {
    return this.#hub.closing ? this.#limits.refusal(503, 'the server is about to stop') : undefined
  }
}
