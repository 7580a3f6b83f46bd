/** With whom a connection is shared: made by `shared` of `unmissed/share`. */
export interface Share {
  /** What those have in common who share it. */
  readonly name: string
  /** Gives a connection something to do in place of attempts of its own. Not for callers. */
  readonly turn: (...parts: never) => unknown
}
