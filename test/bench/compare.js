/**
 * `npm run bench:compare -- [ref]`: this build beside that of an earlier state (default: the last tag), parser and server, old and
 * new in turns in one run. Ends with 1 where something has become more than 1.15 times as dear, also when it is measured again in
 * more processes. Where there is no earlier tag
 * there is nothing to compare with, and it says so.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WORSE = 1.15
const root = fileURLToPath(new URL('../../', import.meta.url))
const typescript = ['--import', `${root}test/helpers/typescript.mjs`]

function run(command, args, cwd = root) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  return status === 0
}

function earlier() {
  const { status, stdout } = spawnSync('git', ['describe', '--tags', '--abbrev=0', 'HEAD^'], {
    cwd: root,
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : undefined
}

/** What of the parser costs more than before. What seems so is measured again, in more processes, and that decides. */
function parserWorse(before, folder) {
  const suspects = measureParser(before, folder, [])
  if (suspects.length === 0) return []
  const workloads = [...new Set(suspects.map(({ workload }) => workload))].join(',')
  return measureParser(before, folder, ['--workloads', workloads, '--processes', '11']).map(
    ({ workload, form, ratio }) => `${workload}, ${form}: ${ratio.toFixed(2)} times as dear as before`,
  )
}

function measureParser(before, folder, ways) {
  const file = join(folder, 'parser.json')
  const beside = ['--only', 'unmissed,eventsource-parser', '--src', join(before, 'dist/index.js'), '--json', file]
  if (!run(process.execPath, ['test/bench/protocol/run.js', 'parse', '--fresh', ...beside, ...ways]))
    throw new Error('the parser could not be measured')
  const [{ parse }] = JSON.parse(readFileSync(file, 'utf8'))
  return Object.entries(parse).flatMap(([form, rows]) =>
    rows
      .map(({ workload, contenders: { unmissed, src } }) => ({
        workload,
        form,
        ratio: unmissed.nanoseconds / src.nanoseconds,
      }))
      .filter(({ ratio }) => ratio > WORSE),
  )
}

function compare(ref) {
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-compare-'))
  const before = join(folder, 'before')
  try {
    console.log(`beside ${ref}`)
    const built =
      run('git', ['worktree', 'add', '--detach', before, ref]) &&
      run('npm', ['ci', '--no-audit', '--no-fund'], before) &&
      run('npm', ['run', '-s', 'build'], before)
    if (!built) throw new Error(`${ref} could not be built`)
    const worse = parserWorse(before, folder)
    if (!run(process.execPath, [...typescript, 'test/bench/hub/run.js', '--against', join(before, 'dist')]))
      worse.push('the server, as said above')
    for (const line of worse) console.error(line)
    return worse.length === 0
  } finally {
    run('git', ['worktree', 'remove', '--force', before])
    rmSync(folder, { recursive: true, force: true })
  }
}

const ref = process.argv[2] ?? earlier()
if (ref) process.exitCode = compare(ref) ? 0 : 1
else console.log('there is no earlier tag to compare with')
