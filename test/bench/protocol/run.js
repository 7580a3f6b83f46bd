/** `npm run bench`: how fast, beside the others, in one process. `--help` says what can be chosen. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { allocation } from './allocation.js'
import { yardstick } from './contenders.js'
import { delivery } from './delivery.js'
import { linearity } from './linearity.js'
import { geometricMean } from './measure.js'
import { nodeBinary, releases } from './nodes.js'
import { choose, loadSource } from './options.js'
import { parse, titles } from './parse.js'
import { figure, table } from './table.js'

const sections = { parse, delivery, allocation, linearity }

const help = `npm run bench -- [${Object.keys(sections).join('] [')}] [options]          Default: all sections

  --only a,b        contenders whose name contains one of these             Default: all
  --workloads a,b   workloads whose name contains one of these              Default: all
  --forms a,b       what the parser is given: bytes, text                   Default: both
  --rounds n        turns of each contender, of which the median counts     Default: 25
  --sample ms       CPU time of one turn                                    Default: 8
  --scale x         size of the bodies                                      Default: 1
  --fresh           text was seen in one shape only, as in a new process    Default: in all shapes
  --src file        another build or the source of ours, beside the build   Default: none
  --node a,b        run under these: releases, paths, or all (${releases})  Default: this one
  --json file       the figures as data                                     Default: none`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    workloads: { type: 'string' },
    forms: { type: 'string', default: 'bytes,text' },
    rounds: { type: 'string', default: '25' },
    sample: { type: 'string', default: '8' },
    scale: { type: 'string', default: '1' },
    fresh: { type: 'boolean', default: false },
    src: { type: 'string' },
    node: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(help)
else {
  const runs = values.node ? elsewhere(values.node) : [await here()]
  if (values.json) writeFileSync(values.json, `${JSON.stringify(runs, undefined, 2)}\n`)
}

async function here() {
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}, ${cpus()[0]?.model}`)
  const raw = { only: values.only, workloads: values.workloads, scale: Number(values.scale), src: values.src }
  const options = {
    raw,
    only: choose(values.only),
    workloads: choose(values.workloads),
    forms: values.forms.split(','),
    scale: Number(values.scale),
    count: Number(values.rounds),
    sample: Number(values.sample),
    fresh: values.fresh,
    src: await loadSource(values.src),
  }
  const run = { node: process.version, platform: process.platform, arch: process.arch }
  for (const [name, section] of Object.entries(sections))
    if (positionals.length === 0 || positionals.includes(name)) run[name] = await section(options)
  return run
}

/** The same again under each Node, and the parser's ratios side by side at the end. */
function elsewhere(wanted) {
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-bench-'))
  const json = join(folder, 'run.json')
  const { node: _, json: __, help: ___, ...rest } = values
  const words = Object.entries({ ...rest, json }).flatMap(([name, value]) =>
    typeof value === 'boolean' ? (value ? [`--${name}`] : []) : [`--${name}`, value],
  )
  try {
    const runs = (wanted === 'all' ? releases : wanted.split(',')).flatMap((node) => {
      const here = fileURLToPath(import.meta.url)
      const { status } = spawnSync(nodeBinary(node), [here, ...positionals, ...words], { stdio: 'inherit' })
      if (status !== 0) throw new Error(`the run under Node ${node} ended with ${status}`)
      return JSON.parse(readFileSync(json, 'utf8'))
    })
    if (runs[0].parse) sideBySide(runs)
    return runs
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sideBySide(runs) {
  for (const form of Object.keys(runs[0].parse)) {
    const [first] = Object.keys(runs[0].parse[form][0].contenders)
    const ratios = runs.map((run) => run.parse[form].map(({ contenders }) => contenders[first].ratio))
    const line = table(
      `${titles[form]}: ${first} as a multiple of ${yardstick}'s speed`,
      runs.map(({ node }) => node),
    )
    for (const [i, { workload }] of runs[0].parse[form].entries())
      line(
        workload,
        ratios.map((list) => figure(list[i])),
      )
    line(
      'geometric mean',
      ratios.map((list) => figure(geometricMean(list.filter(Boolean)))),
    )
    line(
      'lowest',
      ratios.map((list) => figure(Math.min(...list.filter(Boolean)))),
    )
  }
}
