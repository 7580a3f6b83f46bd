/** What the fetch of this runtime does by itself. */
export interface Platform {
  /** The `cache` option, where the runtime knows it. */
  readonly init: { readonly cache?: 'no-store' }
  /** Whether fetch keeps headers and redirects to itself, as browsers do. */
  guarded: boolean
}

/**
 * Asks the runtime instead of guessing its name: who forbids a Cookie header by hand is a browser, which hides redirects
 * and turns `no-store` into `Cache-Control: no-cache` without the CORS preflight that a header by hand would cost; who
 * throws has no `cache` (workerd).
 */
export function detect(): Platform {
  const init = { cache: 'no-store' } as const
  try {
    return { init, guarded: !new Request('http://a', { ...init, headers: { cookie: 'a' } }).headers.has('cookie') }
  } catch {
    return { init: {}, guarded: false }
  }
}
