/** How long a client waits after so many failures in a row, in milliseconds, when the server asked for at least `floor`. */
export type Wait = (failures: number, floor: number, random: () => number) => number

export interface World {
  clients: number
  wait: Wait
  /** The server's `retry`, in milliseconds. */
  retry: number
  /** How long the server is away, in milliseconds. */
  outage: number
  /** How many clients it takes per second once it is back; the others get a 503. Default: all. */
  capacity?: number
  /** The `Retry-After` of that 503, in milliseconds. Default: none. */
  retryAfter?: number
  random: () => number
  /** Milliseconds after which nobody looks any more. */
  horizon: number
}

export interface Course {
  /** The most requests in any second, wherever that second begins. */
  peak: number
  /** When that second begins, in milliseconds. */
  peakAt: number
  requests: number
  /** When the first request came, in milliseconds. */
  first: number
  /** Waits shorter than the server had asked for. */
  early: number
  /** When half of the clients, and when all were back, in milliseconds after the server was; Infinity if not before the horizon. */
  halfBack: number
  allBack: number
}

const SECOND = 1_000

/**
 * Clients that lose their server together at time 0, in virtual time. A calendar with one page per millisecond: each page
 * is a chain of the clients that try then, so an attempt costs the same however many there are.
 */
export function simulate({ clients, wait, retry, outage, capacity, retryAfter, random, horizon }: World): Course {
  const page = new Int32Array(horizon).fill(-1)
  const following = new Int32Array(clients)
  const failures = new Uint16Array(clients)
  const requests = new Uint32Array(horizon)
  const course = { peak: 0, peakAt: 0, requests: 0, first: Infinity, early: 0, halfBack: Infinity, allBack: Infinity }

  function fail(client: number, now: number, floor: number) {
    const count = (failures[client] as number) + 1
    failures[client] = count
    const delay = wait(count, floor, random)
    if (delay < floor) course.early++
    const at = now + Math.ceil(delay)
    if (at >= horizon) return
    following[client] = page[at] as number
    page[at] = client
  }

  for (let client = 0; client < clients; client++) fail(client, 0, retry)
  let back = 0
  let taken = 0
  for (let now = 0; now < horizon && back < clients; now++) {
    if (now % SECOND === 0) taken = 0
    for (let client = page[now] as number; client >= 0; ) {
      const next = following[client] as number
      requests[now] = (requests[now] as number) + 1
      if (now < outage) fail(client, now, retry)
      else if (taken >= (capacity ?? Infinity)) fail(client, now, Math.max(retry, retryAfter ?? 0))
      else {
        taken++
        back++
        if (back === Math.ceil(clients / 2)) course.halfBack = now - outage
        if (back === clients) course.allBack = now - outage
      }
      client = next
    }
  }

  let second = 0
  for (const [now, count] of requests.entries()) {
    if (count > 0 && course.first === Infinity) course.first = now
    course.requests += count
    second += count - (requests[now - SECOND] ?? 0)
    if (second <= course.peak) continue
    course.peak = second
    course.peakAt = Math.max(0, now - SECOND + 1)
  }
  return course
}
