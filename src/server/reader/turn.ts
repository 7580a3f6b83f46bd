import { Batch, type Frame } from './frame.ts'

/** Whatever wants to be written to once in this turn of the event loop. */
interface Writer {
  flush(): void
}

let writers: Writer[] = []
let root = /* @__PURE__ */ new Batch()

/** The batch of a writer that had nothing to write so far in this turn, and is written to at its end. */
export function begin(writer: Writer, frame: Frame): Batch {
  // Everything published in one turn becomes one write: also what is published in several callbacks of one poll, and
  // between awaits, which a microtask would part.
  if (writers.push(writer) === 1) (globalThis.setImmediate ?? queueMicrotask)(flush)
  return root.with(frame)
}

function flush(): void {
  const now = writers
  writers = []
  root = new Batch()
  for (const writer of now) writer.flush()
}
