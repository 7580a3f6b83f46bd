/**
 * What a reader allocates for an event, compared with the event's text.
 *
 * Measured in a process whose young generation is so large that nothing is collected during a pass: the
 * growth of the heap is then all that was allocated, garbage included, and the same in every run. (What is still held
 * afterwards would miss the garbage; a sampling profiler would estimate.) It counts what a large string leaves unused
 * at the end of a page, too: the floor shows how much that is.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { check } from './check.js'
import { loadContenders } from './contenders.js'
import { collect, consumer, median } from './measure.js'
import { figure, table } from './table.js'
import { makeWorkload } from './workloads.js'

export const flags = ['--min-semi-space-size=128', '--max-semi-space-size=128']

const bodies = [
  'llm: one event a chunk',
  'llm: 1-5 events a chunk',
  'llm: 64 KiB chunks',
  'named pairs: 1400 B chunks',
  'tiny events: 64 KiB chunks',
  '50-line data: 16 KiB chunks',
  'all fields and CRLF: 16 KiB chunks',
  'cjk: 64 KiB chunks',
]

/** Allocated for one pass over the workload, in bytes; nothing if the collector came in between after all. */
async function allocated(contender, workload) {
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  const sizes = []
  for (let pass = 0; pass < 9; pass++) {
    const { take } = consumer()
    collect()
    // The observer is told of a collection later, this one included.
    await setImmediate()
    observer.observe({ entryTypes: ['gc'] })
    collections = 0
    const before = process.memoryUsage()
    contender.bytes(workload.bytes, take, workload)
    const after = process.memoryUsage()
    await setImmediate()
    await setImmediate()
    observer.disconnect()
    if (collections === 0) sizes.push(after.heapUsed + after.external - before.heapUsed - before.external)
  }
  return sizes.length ? median(sizes) : undefined
}

/** The text of a body as a string holds it: one byte a character where all of a chunk's are below U+0100, else two. */
function sizeOfText({ text: texts }) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the first of the range
  return texts.reduce((sum, text) => sum + text.length * (/^[\u0000-\u00ff]*$/.test(text) ? 1 : 2), 0)
}

export async function measure({ only, workloads, scale, src }) {
  const contenders = await loadContenders({ only, src })
  const rows = []
  for (const name of bodies.filter(workloads)) {
    const workload = makeWorkload(name, scale)
    const events = workload.events.length
    const row = { workload: name, text: sizeOfText(workload) / events, contenders: {} }
    for (const contender of contenders) {
      if (contender.name === 'floor (stream)') continue
      const failure = await check(contender, workload)
      const { take } = consumer()
      // Until the optimising compiler is done: it allocates, too, and what it makes allocates less.
      if (!failure) for (let i = 0; i < 20; i++) contender.bytes(workload.bytes, take, workload)
      const size = failure ? undefined : await allocated(contender, workload)
      row.contenders[contender.name] = failure ? { failure } : { bytes: size && size / events }
    }
    rows.push(row)
  }
  return rows
}

export function show(rows) {
  const names = Object.keys(rows[0]?.contenders ?? {})
  const line = table('Allocation: bytes an event, as a multiple of its text', [...names, 'text, B'])
  for (const { workload, text, contenders } of rows) {
    const multiples = names.map((name) => contenders[name].bytes && contenders[name].bytes / text)
    line(workload, [...multiples.map(figure), figure(text)])
  }
}
