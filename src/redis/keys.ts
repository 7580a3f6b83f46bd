import { hash } from '../log/hash.ts'

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
  /** Which processes are there, and until when. */
  readonly peers: string
  /** What is asked of a process, and answered. */
  inbox(peer: string): string
  /** How often each process has a name. */
  counted(name: string): string
  /** What was answered to one that appends. */
  sent(caller: string): string
  /** What remembers an idempotency key. */
  idempotency(key: string): string
}

/** Over how many places logs are spread: one read can wait for all logs of one place, so a process has at most so many. */
const PLACES = 16

export function keysOf(prefix: string, name: string): Keys {
  const place = `${prefix}{${hash(name) % PLACES}}:`
  const base = `${place}${encodeURIComponent(name)}`
  return {
    place,
    meta: `${base}:meta`,
    stream: `${base}:entries`,
    ids: `${base}:ids`,
    peers: `${base}:peers`,
    inbox: (peer) => `${base}:inbox:${peer}`,
    counted: (name) => `${base}:count:${name}`,
    sent: (caller) => `${base}:sent:${caller}`,
    idempotency: (key) => `${base}:key:${key}`,
  }
}
