/**
 * `npm run bench:hub`: the CPU that a server spends on one event, one returning reader, one arrival, beside what one would write
 * by hand on `node:http`, and beside another build of ours: in turns, each in a fresh process, as ratios inside a round, of which
 * the median is shown. With `--against`, it ends with 1 where this build is more than 1.15 times as dear as the other one, also
 * when it is measured again in three times as many rounds.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from '../median.ts'

const TASKS = [
  'publish, nobody there',
  'publish, one reader',
  'publish, 100 readers',
  'send of one connection',
  '100 readers that resume 9,000 events',
  'an arrival, 2,000 a second',
]
/** What nobody writes by hand in a few lines has nothing beside it. */
const HAS_PLAIN = TASKS.slice(3)
const WORSE = 1.15

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    against: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const show = values.json ? console.error : console.log
const side = fileURLToPath(new URL('side.js', import.meta.url))
const ours = fileURLToPath(new URL('../../../dist', import.meta.url))
const other = values.against && resolve(values.against)

async function measure(dist, task) {
  const child = fork(side, [dist, task])
  const [[microseconds]] = await Promise.all([once(child, 'message'), once(child, 'exit')])
  return microseconds
}

async function rowOf(task, rounds) {
  const ways = { ours, ...(HAS_PLAIN.includes(task) && { plain: 'plain' }), ...(other && { other }) }
  const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [name, dist] of Object.entries(ways)) found[name].push(await measure(dist, task))
  const beside = (name) => found[name] && median(found.ours.map((cost, at) => cost / found[name][at]))
  return { task, microseconds: median(found.ours), plain: beside('plain'), other: beside('other') }
}

const rounds = Number(values.rounds)
const rows = []
for (const task of TASKS) {
  const first = await rowOf(task, rounds)
  const row = first.other > WORSE ? await rowOf(task, rounds * 3) : first
  rows.push(row)
  const ratio = (number, than) => (number === undefined ? '' : `${number.toFixed(2)} × ${than}`.padStart(26))
  show(
    `${task.padEnd(40)}${row.microseconds.toFixed(2).padStart(9)} µs${ratio(row.plain, 'by hand')}${ratio(row.other, 'the other build')}`,
  )
}

if (values.json) console.log(JSON.stringify({ rows }))
const worse = rows.filter(({ other }) => other > WORSE)
for (const { task, other } of worse) console.error(`${task}: ${other.toFixed(2)} times as dear as before`)
process.exitCode = worse.length > 0 ? 1 : 0
