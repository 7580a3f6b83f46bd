/**
 * Whether the cost grows with the input and no faster: each shape at n, 2n and 8n. Linear is 2 and 8, quadratic 4 and 64.
 * Two points alone do not tell: where a string outgrows a cache, or a page of the heap, the cost takes one step up.
 */
import { check } from './check.js'
import { loadContenders } from './contenders.js'
import { loadWays } from './delivery.js'
import { consumer, median, ratios, rounds } from './measure.js'
import { figure, table } from './table.js'
import { makeShape, shapeNames } from './workloads.js'

const factors = [1, 2, 8]
/** One process tells linear from quadratic. */
export const processes = 1

export async function measure({ only, scale, count, sample, src }) {
  const contenders = (await loadContenders({ only, src })).filter(({ floor }) => !floor)
  const { chosen } = await loadWays({ only, src })
  const iterations = Object.entries(chosen).map(([name, way]) => ({ name: `${name} (iteration)`, ...way }))
  const readers = [...contenders, ...iterations.filter(({ name }) => !/Stream|\/stream/.test(name))]
  const rows = []
  for (const shape of shapeNames) {
    const sizes = factors.map((factor) => makeShape(shape, factor * scale))
    const row = { shape, size: sizes[0].size, readers: {} }
    for (const reader of readers) {
      const failure = await firstFailure(reader, sizes)
      if (failure) {
        row.readers[reader.name] = { failure }
        continue
      }
      const { take } = consumer()
      const tasks = sizes.map((workload, i) => ({ name: i, run: () => reader.bytes(workload.bytes, take, workload) }))
      const costs = await rounds(tasks, { count: Math.min(count, 9), sample })
      const growth = factors.slice(1).map((_, i) => median(ratios(costs[i + 1], costs[0])))
      row.readers[reader.name] = { nanoseconds: median(costs[0]), growth }
    }
    rows.push(row)
  }
  return rows
}

export function show(rows) {
  for (const { shape, size, readers } of rows) {
    const line = table(`Linearity, ${shape}: ms for ${size} bytes, and times that for 2 and 8 times as many`, [
      'ms',
      ...factors.slice(1).map((factor) => `${factor}n`),
    ])
    for (const [name, { nanoseconds, growth, failure }] of Object.entries(readers)) {
      if (failure) line(`${name} n/a: ${failure}`)
      else line(name, [nanoseconds / 1e6, ...growth].map(figure))
    }
  }
}

async function firstFailure(reader, sizes) {
  for (const workload of sizes) {
    const failure = await check(reader, workload)
    if (failure) return failure
  }
  return undefined
}
