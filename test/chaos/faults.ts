import type { Wish } from './origin.ts'
import { createRandom, pick, type Random, weighted, whole } from './random.ts'
import { type Aim, PLACES, type Place } from './scan.ts'

/** What the proxy does with one request. */
export type Fault = { wish?: Wish; drip?: boolean } & (
  | { kind: 'none' }
  /** Passes the answer up to `aim`, then closes (FIN) or resets (RST) the connection. */
  | { kind: 'cut'; aim: Aim; by: 'fin' | 'rst' }
  /** Passes the answer up to `aim` (nothing without one) and then nothing more, with the connection left open. */
  | { kind: 'stall'; aim?: Aim }
  /** Writes something that is no length where a chunk's length is due. */
  | { kind: 'bad-chunk'; aim: Aim }
  /** Answers itself; `end: false` leaves the answer's body open for ever. */
  | { kind: 'answer'; status: number; headers: Record<string, string>; body: string; end: boolean }
  /** Resets the connection instead of an answer. */
  | { kind: 'reset' }
  /** Resets the connection, and refuses new ones for so many milliseconds. */
  | { kind: 'refuse'; milliseconds: number }
)

type Name =
  | 'cut'
  | 'unframed'
  | 'drip'
  | 'garbage'
  | 'again'
  | 'ends'
  | 'stall'
  | 'silent'
  | 'bad-chunk'
  | 'status'
  | 'retry-after'
  | 'wrong-type'
  | 'empty'
  | 'redirect'
  | 'reset'
  | 'refuse'

/** Which faults a scenario is made of, and how often each. */
export const SCENARIOS = {
  /** Every place by FIN and by RST: what any client must bear. */
  cuts: { cut: 8, unframed: 2 },
  /** Everything that a client comes back from. */
  storm: {
    cut: 60,
    unframed: 10,
    drip: 3,
    garbage: 8,
    again: 6,
    ends: 4,
    stall: 0.7,
    silent: 0.5,
    'bad-chunk': 3,
    status: 3,
    'retry-after': 0.3,
    empty: 2,
    redirect: 3,
    reset: 2,
    refuse: 1,
  },
  /** The storm without what the origin itself must do: for any server behind the proxy. */
  network: {
    cut: 60,
    drip: 2,
    stall: 0.7,
    silent: 0.5,
    'bad-chunk': 3,
    status: 3,
    'retry-after': 0.2,
    empty: 2,
    redirect: 3,
    reset: 2,
    refuse: 1,
  },
  /** A server that sends five events again on each resume. */
  again: { again: 1 },
  /** A server that ends each answer cleanly. */
  ends: { ends: 1 },
  drip: { drip: 1 },
  garbage: { garbage: 1 },
  'bad-chunk': { 'bad-chunk': 1 },
  /** Links that die without a word: after the head, and before it. */
  'half-open': { stall: 3, silent: 2 },
  /** Answers that are no stream. */
  refusals: { cut: 2, status: 4, 'retry-after': 1, empty: 2, redirect: 2, reset: 2, refuse: 1 },
  /** A wrong content type now and then, for clients that are told to bear it. */
  'wrong-type': { cut: 2, 'wrong-type': 1 },
} satisfies Record<string, Partial<Record<Name, number>>>

export type Scenario = keyof typeof SCENARIOS

const UNCHUNKED = PLACES.filter((place) => !place.startsWith('chunk'))

/** One media type, written as servers and proxies do (RFC 9110 §8.3.1: its case does not matter). */
const TYPES = ['text/event-stream', 'Text/Event-Stream;charset=utf-8', 'text/event-stream ; charset=windows-1252']

const HTML = '<!doctype html><title>captive portal</title>\n\ndata: 1 not an event of ours\n\n'

/** The fault that meets attempt number `attempt` of `client`: a pure function, so that a seed plays the same again. */
export function faultOf(scenario: Scenario, seed: number, client: number, attempt: number): Fault {
  const name = `${seed}/${client}/${attempt}`
  const random = createRandom('fault', name)
  const wish: Wish = { seed: name }
  const cut = (places: readonly Place[] = PLACES): Fault => ({
    kind: 'cut',
    aim: aim(random, places),
    by: pick(random, ['fin', 'rst']),
    wish,
  })
  switch (weighted<Name>(random, SCENARIOS[scenario])) {
    case 'cut':
      return cut()
    case 'unframed':
      return { ...cut(UNCHUNKED), wish: { ...wish, unframed: true } }
    case 'drip':
      return { ...cut(), drip: true }
    case 'garbage':
      return { ...cut(), wish: { ...wish, garbage: true, type: pick(random, TYPES) } }
    case 'again':
      return { ...cut(), wish: { ...wish, again: 5 } }
    case 'ends':
      return { kind: 'none', wish: { ...wish, endAfter: whole(random, 1, 8), unframed: random() < 0.2 } }
    case 'stall':
      return { kind: 'stall', aim: aim(random), wish }
    case 'silent':
      return { kind: 'stall', wish }
    case 'bad-chunk':
      return { kind: 'bad-chunk', aim: aim(random, ['chunk-size']), wish }
    case 'reset':
      return { kind: 'reset' }
    case 'refuse':
      return { kind: 'refuse', milliseconds: whole(random, 20, 80) }
    case 'redirect':
      return answer(random, pick(random, [301, 302, 303, 307, 308]), {
        location: pick(random, ['?moved', `./${client}?moved=1`]),
      })
    case 'empty':
      return { ...answer(random, 200, { 'content-type': 'text/event-stream' }), body: '', end: true }
    case 'wrong-type':
      return answer(
        random,
        200,
        pick(random, [{ 'content-type': 'text/html' }, { 'content-type': 'text/event-streamX' }, {}]),
      )
    case 'status': {
      const headers: Record<string, string> = pick(random, [
        {},
        { 'retry-after': '0' },
        { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' },
        { 'content-type': 'text/event-stream' },
      ])
      return answer(random, pick(random, [408, 425, 429, 500, 502, 503, 504]), headers)
    }
    case 'retry-after':
      return answer(random, pick(random, [429, 503]), { 'retry-after': '1' })
  }
}

function aim(random: Random, places: readonly Place[] = PLACES): Aim {
  const place = pick(random, places)
  if (place === 'anywhere') return { place, after: whole(random, 0, 6_000) }
  return { place, after: whole(random, 0, 24) }
}

/** A third of these bodies never ends: a client that refuses an answer must also hang up. */
function answer(random: Random, status: number, headers: Record<string, string>): Fault & { kind: 'answer' } {
  return { kind: 'answer', status, headers, body: HTML, end: random() < 0.67 }
}
