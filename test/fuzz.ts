// The properties of the protocol, tried for as long as you like:
//
//   npm run fuzz                                   a minute, seeds of its own
//   npm run fuzz -- --seconds 3600                 an hour
//   npm run fuzz -- --only "any bytes"             the properties with this in their name
//   npm run fuzz -- --seed 7 --only "any bytes" --path "12:3:1"      what a failure printed, once more
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { properties } from './protocol/properties.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    path: { type: 'string' },
  },
})

/** Small enough that every property has its turn each second or so. */
const RUNS = 500

const chosen = Object.entries(properties).filter(([name]) => name.includes(values.only))
if (chosen.length === 0) {
  console.error(`No property has ${JSON.stringify(values.only)} in its name. They are:`)
  for (const name of Object.keys(properties)) console.error(`  ${name}`)
  process.exit(2)
}

const started = performance.now()
const seconds = () => (performance.now() - started) / 1000
const limit = Number(values.seconds)
if (!(limit >= 0)) throw new RangeError(`--seconds must be a number >= 0, got ${values.seconds}`)

const first = values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(values.seed)
let told = 0
for (let seed = first; ; seed++) {
  for (const [name, property] of chosen) {
    const details = await fc.check(property as fc.IRawProperty<unknown>, {
      seed,
      numRuns: RUNS,
      ...(values.path === undefined ? {} : { path: values.path }),
    })
    if (!details.failed) continue
    console.error(`${name}\n${fc.defaultReportMessage(details)}\n${details.errorInstance ?? ''}`)
    const path = details.counterexamplePath === null ? '' : ` --path ${JSON.stringify(details.counterexamplePath)}`
    console.error(`Again: npm run fuzz -- --seed ${seed} --only ${JSON.stringify(name)}${path}`)
    process.exit(1)
  }
  const runs = (seed - first + 1) * RUNS
  const over = seconds() >= limit || values.path !== undefined
  if (over || seconds() - told >= 10) {
    told = seconds()
    console.log(
      `seeds ${first} to ${seed}: ${runs} inputs for each of ${chosen.length} properties, ${Math.round(told)} s`,
    )
  }
  if (over) break
}
