/** What the fetch of this runtime does in its own way. */
export interface Platform {
  /** Whether it hides redirects and forbids some headers, as browsers do. */
  guarded: boolean
  /** Whether it writes and reads header values as UTF-8, where the standard has bytes (workerd). */
  readonly encodes: boolean
}

/** Asks the runtime instead of guessing its name: who forbids a Cookie header by hand is a browser. */
export function detect(): Platform {
  const { headers } = new Request('http://a', { headers: { cookie: 'a' } })
  let encodes = true
  try {
    headers.set('a', '\u0100')
  } catch {
    encodes = false
  }
  return { guarded: !headers.has('cookie'), encodes }
}
