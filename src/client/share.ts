/** With whom a connection is shared: made by `shared` of `unmissed/share`. */
export interface Share {
  /** What those have in common who share it. */
  readonly name: string
  /** Leads a connection in place of its own loop. Not for callers. */
  readonly run: (...parts: never) => Promise<void>
}
