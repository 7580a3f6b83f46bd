/** `npm start`: builds the package and the page, starts the demo, says where, and opens it where there is a desktop. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { buildModules } from '../test/package/build.js'
import { buildPage } from './build.ts'
import { docsInBackground } from './docs/background.ts'
import { startFront } from './server/front.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}node_modules/.cache/demo`

// The declarations take the longest, and nobody here reads them; those of an earlier build stay.
await buildModules()
await buildPage(folder)

const site = `${root}node_modules/.cache/docs`
const docs = docsInBackground(site).then(() => site)
docs.catch((error) => console.error(error))
const { url, close } = await startFront({ folder, docs, port: Number(process.env['PORT'] ?? 0) })
console.log(`The demo is at ${url}   (Ctrl-C stops it)\nThe documentation is at ${url}/docs/`)
open(url)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close().then(() => process.exit()))

function open(address: string) {
  const { env, platform, stdout } = process
  const { CI, DISPLAY, WAYLAND_DISPLAY } = env
  if (!stdout.isTTY || CI || (platform === 'linux' && !DISPLAY && !WAYLAND_DISPLAY)) return
  const openers: Partial<Record<NodeJS.Platform, string[]>> = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }
  const [command = '', ...args] = openers[platform] ?? ['xdg-open']
  // Where it cannot be opened, the address has been printed.
  spawn(command, [...args, address], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}
