/** What the fetch of this runtime keeps to itself. */
export interface Platform {
  /** Whether it hides redirects and forbids some headers, as browsers do. */
  guarded: boolean
}

/** Asks the runtime instead of guessing its name: who forbids a Cookie header by hand is a browser. */
export const detect = (): Platform => ({
  guarded: !new Request('http://a', { headers: { cookie: 'a' } }).headers.has('cookie'),
})
