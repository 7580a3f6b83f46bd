import { Batch, type Frame } from './frame.ts'

/** Whatever wants to be written to once in this turn of the event loop. */
interface Writer {
  flush(): void
}

let writers: Writer[] = []
let root: Batch | undefined
let time = 0

/** `performance.now()`, which is asked only once in 64 writes while a turn is flushed. */
export function clock(): number {
  return time || performance.now()
}

/** The batch of a writer that had nothing to write so far in this turn, and is written to at its end. */
export function begin(writer: Writer, frame: Frame): Batch {
  if (writers.length === 0) later(flush)
  writers.push(writer)
  root ??= Batch.root()
  return root.with(frame)
}

function flush(): void {
  const now = writers
  writers = []
  root = undefined
  for (let index = 0; index < now.length; index++) {
    if ((index & 63) === 0) time = performance.now()
    now[index]?.flush()
  }
  time = 0
}

function later(callback: () => void): void {
  // Everything published in one turn becomes one write: also what is published in several callbacks of one poll, and
  // between awaits, which a microtask would part.
  if (typeof setImmediate === 'function') setImmediate(callback)
  else queueMicrotask(callback)
}
