/** Nobody is timed before it gave the right answer: a wrong one is no contribution to a race. */
import { consumer, cpu } from './measure.js'

/** The longest CPU time for one pass, in nanoseconds; who needs more is named, but not timed. */
const PATIENCE = 1e9

/** Reads the workload once and compares. Returns why the contender cannot be timed on it, or nothing. */
export async function check(contender, workload, form = 'bytes') {
  const read = contender[form]
  const input = workload[form]
  // One that is quadratic would take minutes for the whole, so everybody gets a part first. A short time is no evidence:
  // a first call, or a moment of the compiler or the collector, looks just as slow.
  for (const part of contender.floor ? [] : [64, 16, 4]) {
    const { take } = consumer()
    const cost = await cpu(() => read(input.slice(0, input.length / part), take, workload))
    if (cost > PATIENCE / 5 && cost * part > 2 * PATIENCE)
      return `too slow (over ${Math.floor((cost * part) / 1e9)} s a pass)`
  }
  const { seen, take } = consumer()
  seen.list = []
  const cost = await cpu(() => read(input, take, workload))
  if (cost > PATIENCE) return `too slow (${(cost / 1e9).toFixed(1)} s a pass)`
  const different = contender.floor ? differentText(seen.list, workload) : difference(seen.list, workload.events)
  return different && (contender.known?.[workload.name] ?? different)
}

function difference(actual, expected) {
  for (const [i, b] of expected.entries()) {
    const a = actual[i]
    if (!a) break
    if (a.data !== b.data) return `event ${i + 1} has other data`
    // Some leave the type or the id out altogether.
    if (a.type !== undefined && a.type !== b.type) return `event ${i + 1} has type ${a.type}, not ${b.type}`
    if (a.id !== undefined && a.id !== b.id) return `event ${i + 1} has id ${a.id}, not ${b.id}`
  }
  return actual.length === expected.length ? undefined : `delivers ${actual.length} events, not ${expected.length}`
}

/** The floor joins nothing: its pieces one after the other are the text of all events without the joints. */
function differentText(pieces, { events }) {
  const text = (list) => list.map(({ data }) => data).join('')
  return text(pieces) === text(events).replaceAll('\n', '') ? undefined : 'other data'
}
