/** How a cost is measured: CPU time of one process, all contenders in turn, medians over the rounds. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
export const collect = runInNewContext('gc')

// A method call on a string is fast only while its call site has seen few kinds of string, and data come in many
// kinds. Called like this the consumer costs every contender the same.
const charCodeAt = Function.prototype.call.bind(String.prototype.charCodeAt)

/**
 * What every contender delivers to. It reads one character of each event's data, so that text which was only
 * chained together so far is paid for by who chained it, as it would be in `JSON.parse`.
 */
export function consumer() {
  const seen = { events: 0, chars: 0, mixed: 0, list: undefined }
  const take = (type, data, id) => {
    seen.events++
    seen.chars += data.length
    if (data.length > 0) seen.mixed ^= charCodeAt(data, data.length >> 1)
    if (seen.list !== undefined) seen.list.push({ type, data, id })
  }
  return { seen, take }
}

/** CPU time of `work`, in nanoseconds, helper threads included. Wall-clock time would count the neighbours. */
export async function cpu(work) {
  const before = process.cpuUsage()
  // Awaiting what is no promise would cost a turn of the microtask queue for each short body.
  const result = work()
  if (result !== undefined) await result
  const { user, system } = process.cpuUsage(before)
  return (user + system) * 1000
}

/** Holes do not count. */
export function median(numbers) {
  const sorted = numbers.flat().toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function geometricMean(numbers) {
  return numbers.length ? Math.exp(numbers.reduce((sum, n) => sum + Math.log(n), 0) / numbers.length) : undefined
}

/**
 * The cost of each task in nanoseconds, round by round: `{ [name]: number[] }`. In every round each task has its turn,
 * in an order that is drawn anew: a slow moment of the machine hits all of them, and nobody always runs after the same
 * neighbour. `sample` is the CPU time of one turn in milliseconds; a task that needs over ten times as long for a
 * single run sits rounds out, which leaves holes in its list.
 */
export async function rounds(tasks, { count, sample }) {
  // Only before, never between the rounds: a full collection throws optimised code away with the closures it was made
  // for, and what is measured after it is the compiler.
  collect()
  const repeats = {}
  const strides = {}
  for (const { name, run } of tasks) {
    let cost = 0
    let times = 0
    for (; cost < 2e6 * sample; times++) cost += await cpu(run)
    repeats[name] = Math.max(1, Math.round((times * sample * 1e6) / cost))
    strides[name] = Math.ceil(cost / times / (10e6 * sample))
  }
  const costs = Object.fromEntries(tasks.map(({ name }) => [name, []]))
  for (let round = 0; round < count; round++) {
    for (const { name, run } of shuffled(tasks)) {
      if (round % strides[name] !== 0) continue
      const times = repeats[name]
      collect({ type: 'minor' })
      costs[name][round] = (await cpu(() => repeat(run, times))) / times
    }
  }
  return costs
}

/** `a` in terms of `b`, round by round: both sides of each ratio were measured at nearly the same moment. */
export function ratios(a, b) {
  return a.flatMap((cost, round) => (round in b ? [cost / b[round]] : []))
}

function repeat(run, times) {
  for (let i = 0; i < times; i++) {
    const result = run()
    if (result !== undefined) return result.then(() => repeatLater(run, times - i - 1))
  }
  return undefined
}

async function repeatLater(run, times) {
  for (let i = 0; i < times; i++) await run()
}

function shuffled(list) {
  const left = [...list]
  return list.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0])
}
