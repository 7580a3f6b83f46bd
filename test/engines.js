import { existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where test/setup.js installs the JavaScript runtimes: apart from the package's own dependencies, because they are large. */
export const HOME = fileURLToPath(new URL('engines/', import.meta.url))

/**
 * What the tests start besides themselves. `npm` is a path under node_modules of test/engines, whose `*` is whatever npm
 * chose for this platform; `commands` are what the packages named in `debian` bring.
 */
export const ENGINES = {
  'node-20': { npm: 'node-20-*/bin/node' },
  'node-22': { npm: 'node-22-*/bin/node' },
  'node-24': { npm: 'node-24-*/bin/node' },
  'node-26': { npm: 'node-26-*/bin/node' },
  bun: { npm: '@oven/bun-*/bin/bun' },
  deno: { npm: '@deno/*/deno' },
  workerd: { npm: '@cloudflare/workerd-*/bin/workerd' },
  chromium: { commands: ['chromium'], debian: ['chromium'] },
  firefox: { commands: ['firefox-esr'], debian: ['firefox-esr'] },
  webkit: {
    commands: ['WebKitWebDriver', 'xvfb-run', 'xauth', 'MiniBrowser'],
    debian: ['webkit2gtk-driver', 'xvfb', 'xauth'],
  },
  redis: { commands: ['redis-server', 'redis-cli'], debian: ['redis-server'] },
  nginx: { commands: ['nginx'], debian: ['nginx-light'] },
  apache: { commands: ['apache2'], debian: ['apache2-bin'] },
  caddy: { commands: ['caddy'], debian: ['caddy'] },
  haproxy: { commands: ['haproxy'], debian: ['haproxy'] },
  promtool: { commands: ['promtool'], debian: ['prometheus'] },
}

/** The engines to test with: all of them, or those that `UNMISSED_ENGINES` names, separated by commas. */
export function wantedEngines() {
  const all = Object.keys(ENGINES)
  const named = process.env.UNMISSED_ENGINES?.split(/[\s,]+/).filter(Boolean)
  const unknown = named?.filter((name) => !all.includes(name)) ?? []
  if (unknown.length > 0) throw new Error(`UNMISSED_ENGINES names ${unknown.join(', ')}; known are ${all.join(', ')}`)
  return named ?? all
}

/** The absolute path of one of an engine's commands, by default of its first. Throws where there is none, and says what to do. */
export function engine(name, command = ENGINES[name].commands?.[0]) {
  const found = ENGINES[name].npm ? installed(ENGINES[name].npm) : onPath(command)
  if (found) return found
  throw new Error(
    `${name} is not installed: ${howTo(name)}, or leave it out by naming the others in UNMISSED_ENGINES (${Object.keys(ENGINES).join(',')})`,
  )
}

/** Whether all of an engine is there. */
export function hasEngine(name) {
  const { npm, commands } = ENGINES[name]
  return npm ? installed(npm) !== undefined : commands.every((command) => onPath(command) !== undefined)
}

/** How to get an engine, in one sentence without its end. */
export function howTo(name) {
  const { npm, debian } = ENGINES[name]
  if (npm) return `run "npm ci --ignore-scripts" in test/engines`
  return `run "npm run setup" as root on Debian (it installs ${debian.join(' ')}), or put ${ENGINES[name].commands.join(', ')} on the PATH`
}

function installed(pattern) {
  // npm writes the inner file last: one older than the lock file is what an earlier lock asked for.
  const [asked, done] = ['package-lock.json', 'node_modules/.package-lock.json'].map((name) => join(HOME, name))
  if (!existsSync(done) || statSync(done).mtimeMs < statSync(asked).mtimeMs) return undefined
  let paths = [join(HOME, 'node_modules')]
  for (const part of pattern.split('/'))
    paths = paths.flatMap((path) =>
      part.includes('*')
        ? list(path)
            .filter((name) => name.startsWith(part.slice(0, -1)))
            .map((name) => join(path, name))
        : [join(path, part), join(path, `${part}.exe`)],
    )
  return paths.find((path) => existsSync(path))
}

function onPath(command) {
  // Debian keeps servers in sbin, which an ordinary user's PATH leaves out, and MiniBrowser in the library's own folder.
  const libraries = list('/usr/lib').flatMap((name) =>
    name.includes('-linux-gnu') ? [`/usr/lib/${name}/webkit2gtk-4.1`] : [],
  )
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...libraries]
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

function list(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
}
