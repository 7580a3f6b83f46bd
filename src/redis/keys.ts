/** The keys of one log. They share a hash tag, so that a Cluster has them in one place. */
export interface Keys {
  /** What is known of the log: epoch, newest offset, bytes, whether it is sealed. */
  readonly meta: string
  /** Its entries, by offset. */
  readonly stream: string
  /** The offsets of the application's own ids. */
  readonly ids: string
  /** What all keys of its place in a Cluster begin with. */
  readonly place: string
  /** What remembers an idempotency key. */
  idempotency(key: string): string
}

/** Over how many places logs are spread: one read can wait for all logs of one place, so a process has at most so many. */
const PLACES = 16

export function keysOf(prefix: string, name: string): Keys {
  let hash = 0
  for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) >>> 0
  const place = `${prefix}{${hash % PLACES}}:`
  const base = `${place}${encodeURIComponent(name)}`
  return {
    place,
    meta: `${base}:meta`,
    stream: `${base}:entries`,
    ids: `${base}:ids`,
    idempotency: (key) => `${base}:key:${key}`,
  }
}
