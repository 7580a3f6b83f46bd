/**
 * What a runtime does not let us do, by the tests that show it. A test may fail where it is listed here, and nowhere else;
 * the note stands below the README's table.
 */
export interface Limit {
  readonly engine: string
  readonly capability: string
  readonly tests: readonly string[]
  readonly note: string
  /** Whether nothing is left of the capability. */
  readonly missing?: true
  /** Whether the tests fail now and then only. */
  readonly sometimes?: true
}

/** One test shows it in each browser, so one note tells it of all. */
const readsAhead = (engine: string): Limit => ({
  engine,
  capability: 'backpressure',
  tests: ['a reader that stops is felt by the server, and nothing is lost when it goes on'],
  note: 'Browsers read ahead by themselves, more than 32 MiB: the server feels a slow reader late or never.',
  missing: true,
})

export const LIMITS: Record<string, Limit> = {
  'chromium-backpressure': readsAhead('chromium'),
  'firefox-backpressure': readsAhead('firefox'),
  'webkit-backpressure': readsAhead('webkit'),
  'workerd-handlers': {
    engine: 'workerd',
    capability: 'EventSource',
    tests: [
      'an event handler keeps its place among the listeners when replaced, and loses it when set to null',
      'an event handler runs with the source as this, and an object is not called',
    ],
    note: 'workerd calls `on…` handlers itself: before the listeners and without `this`.',
  },
  'firefox-head': {
    engine: 'firefox',
    capability: 'EventSource',
    tests: ['open waits for the head of the answer only, not for an event'],
    note: 'Firefox tells of an answer at the first byte of its body, as its own `EventSource` does; our server sends one at once.',
  },
  'firefox-abort': {
    engine: 'firefox',
    capability: 'EventSource',
    tests: ['an answer that was refused does not stay open'],
    note: 'Firefox misses an abort in a worker now and then, if it comes in the very moment in which the body begins.',
    sometimes: true,
  },
  'webkit-header': {
    engine: 'webkit',
    capability: 'EventSource',
    tests: ['Last-Event-ID is the last id, as UTF-8'],
    note: 'WebKitGTK encodes headers a second time: ids beyond ASCII arrive mangled.',
  },
}
