/** The keys of one log. They share a hash tag, so that a Cluster has them in one place. */
export interface Keys {
  /** What is known of the log: epoch, newest offset, bytes, whether it is sealed. */
  readonly meta: string
  /** Its entries, by offset. */
  readonly stream: string
  /** The offsets of the application's own ids. */
  readonly ids: string
  /** What remembers an idempotency key. */
  idempotency(key: string): string
}

export function keysOf(prefix: string, name: string): Keys {
  // A brace in a name would end the tag.
  const base = `${prefix}{${encodeURIComponent(name)}}`
  return {
    meta: `${base}:meta`,
    stream: `${base}:entries`,
    ids: `${base}:ids`,
    idempotency: (key) => `${base}:key:${key}`,
  }
}
