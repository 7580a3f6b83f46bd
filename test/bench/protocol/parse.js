/** Bytes to events and text to events: all contenders on all workloads. */
import { check } from './check.js'
import { loadContenders, yardstick } from './contenders.js'
import { consumer, geometricMean, median, quantile, ratios, rounds } from './measure.js'
import { figure, table } from './table.js'
import { makeWorkload, workloadNames } from './workloads.js'

export const titles = { bytes: 'Bytes to events', text: 'Text to events' }

export async function parse({ only, workloads, forms, scale, count, sample, src, fresh }) {
  const contenders = await loadContenders({ only, src })
  const able = {
    bytes: contenders,
    // Text needs no decoding, so there is one floor only.
    text: contenders.filter(({ text, name }) => text && name !== 'floor (stream)'),
  }
  season(contenders, scale, fresh ? [(text) => text] : shapes)

  const rows = Object.fromEntries(forms.map((form) => [form, []]))
  for (const form of forms) {
    const shown = columns(able[form])
    const line = table(`${titles[form]}: speed as a multiple of ${yardstick}'s, MB/s of the first column`, [
      ...shown.map(([name]) => name),
      'MB/s',
    ])
    for (const name of workloadNames.filter(workloads)) {
      const workload = makeWorkload(name, scale)
      const failures = {}
      for (const contender of able[form]) failures[contender.name] = await check(contender, workload, form)
      const tasks = able[form]
        .filter((contender) => !failures[contender.name])
        .map((contender) => {
          const { take } = consumer()
          return { name: contender.name, run: () => contender[form](workload[form], take, workload) }
        })
      const costs = await rounds(tasks, { count, sample })
      const row = { workload: name, size: workload.size, events: workload.events.length, contenders: {} }
      for (const contender of able[form]) {
        const failure = failures[contender.name]
        row.contenders[contender.name] = failure ? { failure } : figures(costs[contender.name], costs[yardstick])
      }
      rows[form].push(row)
      const first = row.contenders[shown[0][0]]?.nanoseconds
      line(name, [...shown.map(([, members]) => figure(best(row, members))), figure(first && (1e3 * row.size) / first)])
      for (const { name } of able[form])
        if (row.contenders[name].failure) line(`  n/a: ${name} ${row.contenders[name].failure}`)
    }
    const found = shown.map(([, members]) => rows[form].map((row) => best(row, members)).filter(Boolean))
    line(
      'geometric mean',
      found.map((list) => figure(geometricMean(list))),
    )
    line(
      'lowest',
      found.map((list) => figure(list.length ? Math.min(...list) : undefined)),
    )
  }
  return rows
}

/**
 * Everybody reads a little of everything before anything is timed, text in every shape a string can have: the call
 * sites of a long-lived process have seen them all, and a method call on a string is several times faster at one that
 * has seen no more than four.
 */
function season(contenders, scale, shapes) {
  for (const name of workloadNames) {
    const workload = makeWorkload(name, scale / 20)
    const { take } = consumer()
    for (const contender of contenders) {
      for (let i = 0; i < 4; i++) contender.bytes(workload.bytes, take, workload)
      if (contender.text) for (const shape of shapes) contender.text(workload.text.map(shape), take, workload)
    }
  }
}

const shapes = [
  (text) => text,
  // Sliced from a longer one, and chained from two halves: V8 does either from 13 characters on.
  (text) => `${text}, and more`.slice(0, text.length),
  (text) => text.slice(0, text.length >> 1) + text.slice(text.length >> 1),
  // Kept once in the process, as every property name is.
  (text) => Object.keys({ [text]: 0 })[0],
]

function figures(costs, yard) {
  const speeds = yard && ratios(yard, costs)
  return {
    nanoseconds: median(costs),
    ...(speeds && { ratio: median(speeds), quartiles: [quantile(speeds, 0.25), quantile(speeds, 0.75)] }),
  }
}

/** One column for each contender, and one for both floors. */
function columns(contenders) {
  const plain = contenders.filter(({ floor }) => !floor).map(({ name }) => [name, [name]])
  const floors = contenders.filter(({ floor }) => floor).map(({ name }) => name)
  return floors.length ? [...plain, ['floor', floors]] : plain
}

function best(row, members) {
  const found = members.map((name) => row.contenders[name].ratio).filter(Boolean)
  return found.length ? Math.max(...found) : undefined
}
