/** Bytes to events and text to events: all contenders on all workloads. */
import { check } from './check.js'
import { loadContenders, yardstick } from './contenders.js'
import { consumer, geometricMean, median, ratios, rounds } from './measure.js'
import { figure, table } from './table.js'
import { makeWorkload, workloadNames } from './workloads.js'

export const titles = { bytes: 'Bytes to events', text: 'Text to events' }

export async function measure({ only, workloads, forms, scale, count, sample, src, fresh }) {
  const contenders = await loadContenders({ only, src })
  season(contenders, scale, fresh)
  const rows = Object.fromEntries(forms.map((form) => [form, []]))
  for (const form of forms) {
    // Text needs no decoding, so there is one floor only.
    const able = contenders.filter((one) => one[form] && (form === 'bytes' || one.name !== 'floor (stream)'))
    for (const name of workloadNames.filter(workloads)) {
      const workload = makeWorkload(name, scale)
      const failures = {}
      for (const contender of able) failures[contender.name] = await check(contender, workload, form)
      const tasks = able
        .filter((contender) => !failures[contender.name])
        .map((contender) => {
          const { take } = consumer()
          return { name: contender.name, run: () => contender[form](workload[form], take, workload) }
        })
      const costs = await rounds(tasks, { count, sample })
      const row = { workload: name, size: workload.size, events: workload.events.length, contenders: {} }
      for (const { name } of able) {
        const failure = failures[name]
        row.contenders[name] = failure ? { failure } : figures(costs[name], costs[yardstick])
      }
      rows[form].push(row)
    }
  }
  return rows
}

/**
 * Everybody reads a little of everything before anything is timed, text in every shape a string can have. A method call
 * on a string is several times slower where more than four shapes were seen, but only if they were seen before the
 * optimiser came: what it made for four of them serves all others. So the first bodies are too short to bring it, or
 * chance would decide which of both is measured. `fresh` leaves the shapes out: text is flat then, as decoders make it.
 */
function season(contenders, scale, fresh) {
  const { take } = consumer()
  for (const name of fresh ? [] : workloadNames) {
    const workload = makeWorkload(name, scale / 2000)
    for (const shape of shapes) for (const { text } of contenders) text?.(workload.text.map(shape), take, workload)
  }
  for (const name of workloadNames) {
    const workload = makeWorkload(name, scale / 20)
    for (const { bytes, text } of contenders) {
      for (let i = 0; i < 4; i++) {
        bytes(workload.bytes, take, workload)
        text?.(workload.text, take, workload)
      }
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
  return { nanoseconds: median(costs), ...(yard && { ratio: median(ratios(yard, costs)) }) }
}

export function show(rows) {
  for (const [form, list] of Object.entries(rows)) {
    const shown = columns(Object.keys(list[0]?.contenders ?? {}))
    const [first] = shown[0] ?? []
    const line = table(`${titles[form]}: speed as a multiple of ${yardstick}'s; of ${first} also the range and MB/s`, [
      ...shown.map(([name]) => name),
      'over processes',
      'MB/s',
    ])
    for (const row of list) {
      const { nanoseconds, range } = row.contenders[first]
      line(row.workload, [
        ...shown.map(([, members]) => figure(best(row, members))),
        range ? range.map(figure).join('-') : 'n/a',
        figure(nanoseconds && (1e3 * row.size) / nanoseconds),
      ])
      for (const [name, { failure }] of Object.entries(row.contenders)) if (failure) line(`  n/a: ${name} ${failure}`)
    }
    const found = shown.map(([, members]) => list.map((row) => best(row, members)).filter(Boolean))
    const lowest = found.map((ratios) => (ratios.length ? Math.min(...ratios) : undefined))
    line('geometric mean', found.map(geometricMean).map(figure))
    line('lowest', lowest.map(figure))
  }
}

/** One column for each contender, and one for both floors. */
function columns(names) {
  const floors = names.filter((name) => name.startsWith('floor'))
  const plain = names.filter((name) => !floors.includes(name)).map((name) => [name, [name]])
  return floors.length ? [...plain, ['floor', floors]] : plain
}

function best(row, members) {
  const found = members.map((name) => row.contenders[name].ratio).filter(Boolean)
  return found.length ? Math.max(...found) : undefined
}
