/**
 * `npm run bench:record`: runs the benchmarks whose figures stand in the README, and writes them to results.json, from
 * which `npm run docs` makes the tables. An hour on a quiet machine; a part of it by its name: parser, client, server, hub, redis, runs, share, herd.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { releases } from './protocol/nodes.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = new URL('results.json', import.meta.url)
const typescript = ['--import', `${root}test/helpers/typescript.mjs`]

function run(args, { capture = false } = {}) {
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 27,
    stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
  return stdout
}

function withFile(work) {
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-bench-'))
  try {
    const path = join(folder, 'figures.json')
    work(path)
    return JSON.parse(readFileSync(path, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const ratiosOf = (runs) =>
  Object.fromEntries(
    runs.map(({ node, parse }) => [
      node.split('.')[0].replace('v', ''),
      Object.fromEntries(
        Object.entries(parse).map(([form, rows]) => [
          form,
          Object.fromEntries(
            rows.map(({ workload, contenders }) => [
              workload,
              Object.fromEntries(Object.entries(contenders).map(([name, { ratio }]) => [name, round(ratio)])),
            ]),
          ),
        ]),
      ),
    ]),
  )

const round = (number) => (number === undefined ? undefined : Math.round(number * 1000) / 1000)

const parts = {
  parser() {
    const all = ['--node', releases.join(',')]
    const script = `${root}test/bench/protocol/run.js`
    const seen = withFile((path) => run([script, 'parse', ...all, '--json', path]))
    const fresh = withFile((path) => run([script, 'parse', '--fresh', ...all, '--json', path]))
    const delivery = withFile((path) => run([script, 'delivery', ...all, '--json', path]))
    const nanoseconds = delivery.map(({ node, delivery: rows }) => [
      node.split('.')[0].replace('v', ''),
      Object.fromEntries(
        Object.entries(rows.find(({ workload }) => workload === 'llm: 64 KiB chunks').ways).map(([name, way]) => [
          name,
          way.nanoseconds === undefined ? undefined : Math.round(way.nanoseconds),
        ]),
      ),
    ])
    return { seen: ratiosOf(seen), fresh: ratiosOf(fresh), delivery: Object.fromEntries(nanoseconds) }
  },
  client: () => JSON.parse(run([...typescript, `${root}test/bench/client.js`, '--json'], { capture: true })),
  server: () =>
    JSON.parse(
      run([...typescript, `${root}test/bench/server/run.ts`, '--skip', 'stalled', '--json'], { capture: true }),
    ),
  hub: () => JSON.parse(run([...typescript, `${root}test/bench/hub/run.js`, '--json'], { capture: true })),
  runs: () =>
    JSON.parse(run([...typescript, `${root}test/bench/runs/run.ts`, '--json', '--rounds', '3'], { capture: true })),
  share: () =>
    JSON.parse(run([...typescript, `${root}test/bench/share/run.ts`, '--json', '--rounds', '3'], { capture: true })),
  redis: () => JSON.parse(run([...typescript, `${root}test/bench/redis/run.ts`, '--json'], { capture: true })),
  herd: () => JSON.parse(run([...typescript, `${root}test/herd/record.ts`], { capture: true })),
}

const asked = process.argv.slice(2)
const results = JSON.parse(readFileSync(file, 'utf8'))
for (const [name, measure] of Object.entries(parts)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  results[name] = { node: process.versions.node, ...measure() }
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`)
}
