/** Whether the cost grows with the input and no faster: each shape at n and at 2n, where 2.0 is linear and 4.0 quadratic. */
import { check } from './check.js'
import { loadContenders } from './contenders.js'
import { loadWays } from './delivery.js'
import { consumer, median, ratios, rounds } from './measure.js'
import { figure, table } from './table.js'
import { makeShape, shapeNames } from './workloads.js'

export async function linearity({ only, scale, count, sample, src }) {
  const contenders = (await loadContenders({ only, src })).filter(({ floor }) => !floor)
  const { chosen } = await loadWays({ only, src })
  const iterations = Object.entries(chosen).map(([name, way]) => ({ name: `${name} (iteration)`, ...way }))
  const readers = [...contenders, ...iterations.filter(({ name }) => !/Stream|\/stream/.test(name))]
  const rows = []
  for (const shape of shapeNames) {
    const sizes = [1, 2].map((times) => makeShape(shape, times * scale))
    const row = { shape, size: sizes[0].size, readers: {} }
    const line = table(`Linearity, ${shape}: ms for ${sizes[0].size} bytes, and times that for twice as many`, [
      'ms',
      '×',
    ])
    for (const reader of readers) {
      const failure = (await check(reader, sizes[0])) ?? (await check(reader, sizes[1]))
      if (failure) {
        row.readers[reader.name] = { failure }
        line(`${reader.name}`.padEnd(33), [`n/a: ${failure}`])
        continue
      }
      const { take } = consumer()
      const tasks = sizes.map((workload, i) => ({ name: i, run: () => reader.bytes(workload.bytes, take, workload) }))
      const costs = await rounds(tasks, { count: Math.min(count, 7), sample })
      const growth = median(ratios(costs[1], costs[0]))
      row.readers[reader.name] = { nanoseconds: median(costs[0]), growth }
      line(reader.name, [figure(median(costs[0]) / 1e6), figure(growth)])
    }
    rows.push(row)
  }
  return rows
}
