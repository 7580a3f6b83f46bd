// Installs what the tests need and `npm ci` does not bring: JavaScript runtimes from npm, browsers and tools from Debian.
// Does nothing where all is there. Never fails: the test of an engine that is missing does, and says how to get it.
import { spawnSync } from 'node:child_process'
import { ENGINES, HOME, hasEngine, howTo, wantedEngines } from './engines.js'

const missing = () => wantedEngines().filter((name) => !hasEngine(name))
const run = (command, args, options) => spawnSync(command, args, { stdio: 'inherit', ...options }).status === 0

const lacking = missing()
if (lacking.some((name) => ENGINES[name].npm)) {
  console.log('setup: installing the JavaScript runtimes of test/engines/package.json with npm')
  // Their scripts would only link the very binaries that engines.js finds by itself.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: HOME,
    shell: process.platform === 'win32',
  })
}

const debian = [...new Set(lacking.flatMap((name) => ENGINES[name].debian ?? []))]
if (debian.length > 0 && process.getuid?.() === 0 && run('apt-get', ['--version'], { stdio: 'ignore' })) {
  console.log(`setup: installing ${debian.join(' ')} with apt-get`)
  // RUNLEVEL=1 keeps Debian from starting the servers among them.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const stdio = ['ignore', 'ignore', 'inherit']
  run('apt-get', ['update', '-qq'], { env, stdio })
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...debian], { env, stdio })
}

for (const name of missing()) console.warn(`setup: ${name} is missing, its tests will fail: ${howTo(name)}`)
const ready = wantedEngines().filter(hasEngine)
console.log(`setup: ready with ${ready.join(', ') || 'no engine'}`)
