/** `npm run bench`: how fast, beside the others. `--help` says what can be chosen. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as allocation from './allocation.js'
import { yardstick } from './contenders.js'
import * as delivery from './delivery.js'
import * as linearity from './linearity.js'
import { geometricMean } from './measure.js'
import { merge } from './merge.js'
import { nodeBinary, releases } from './nodes.js'
import * as parse from './parse.js'
import { figure, table } from './table.js'

const sections = { parse, delivery, allocation, linearity }

const help = `npm run bench -- [${Object.keys(sections).join('] [')}] [options]          Default: all sections

  --only a,b        contenders whose name contains one of these             Default: all
  --workloads a,b   workloads whose name contains one of these              Default: all
  --forms a,b       what the parser is given: bytes, text                   Default: both
  --processes n     how often all of it is run anew; medians are shown      Default: 3
  --rounds n        turns of each contender in a process                    Default: 15
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
    processes: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '15' },
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
  const wanted = values.node === 'all' ? releases : values.node?.split(',')
  const runs = (wanted?.map(nodeBinary) ?? [process.execPath]).map(run)
  if (runs.length > 1 && runs[0].parse) sideBySide(runs)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(runs, undefined, 2)}\n`)
}

function run(binary) {
  const found = {}
  for (const [name, section] of Object.entries(sections)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    const length = section.processes ?? Number(values.processes)
    const processes = Array.from({ length }, () => child(binary, name, section.flags ?? []))
    if (!found.node) {
      found.node = processes[0].node
      console.log(`\nNode ${found.node}, ${process.platform} ${process.arch}, ${cpus()[0]?.model}`)
    }
    found[name] = merge(processes.map(({ figures }) => figures))
    section.show(found[name])
  }
  return found
}

function child(binary, name, flags) {
  const options = {
    only: values.only,
    workloads: values.workloads,
    forms: values.forms.split(','),
    count: Number(values.rounds),
    sample: Number(values.sample),
    scale: Number(values.scale),
    fresh: values.fresh,
    src: values.src && resolve(values.src),
  }
  const section = fileURLToPath(new URL('section.js', import.meta.url))
  const { status, stdout } = spawnSync(binary, [...flags, section, name, JSON.stringify(options)], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${binary} could not measure ${name}: it ended with ${status}`)
  return JSON.parse(stdout)
}

/** Our parser's ratios under each Node. */
function sideBySide(runs) {
  for (const form of Object.keys(runs[0].parse)) {
    const [first] = Object.keys(runs[0].parse[form][0].contenders)
    const lists = runs.map((run) => run.parse[form].map(({ contenders }) => contenders[first].ratio))
    const known = lists.map((list) => list.filter(Boolean))
    const versions = runs.map(({ node }) => node)
    const line = table(`${parse.titles[form]}: ${first} as a multiple of ${yardstick}'s speed`, versions)
    for (const [i, { workload }] of runs[0].parse[form].entries()) {
      const cells = lists.map((list) => figure(list[i]))
      line(workload, cells)
    }
    line('geometric mean', known.map(geometricMean).map(figure))
    const lowest = known.map((list) => Math.min(...list))
    line('lowest', lowest.map(figure))
  }
}
