/** `npm start`: builds the package and the page, starts the demo, says where, and opens it where there is a desktop. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { buildPage } from './build.js'
import { startFront } from './server/front.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}node_modules/.cache/demo`

// The declarations take the longest, and nobody here reads them; those of an earlier build stay.
const { tsup } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
await build({ ...tsup, dts: false, clean: false, silent: true })
await buildPage(folder)

const { url, close } = await startFront({ folder, port: Number(process.env.PORT ?? 0) })
console.log(`The demo is at ${url}   (Ctrl-C stops it)`)
open(url)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close().then(() => process.exit()))

function open(address) {
  const { env, platform, stdout } = process
  if (!stdout.isTTY || env.CI || (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY)) return
  const [command, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[platform] ?? ['xdg-open']
  // Where it cannot be opened, the address has been printed.
  spawn(command, [...args, address], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}
