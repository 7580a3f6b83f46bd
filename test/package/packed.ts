import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../docs/snippets.ts'

/** The package as it would be published, in a folder outside of the repository. */
export interface Packed {
  readonly folder: string
  readonly tarball: string
  /** The paths in it. */
  readonly files: readonly string[]
  remove(): void
}

export function pack(): Packed {
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-package-'))
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    }),
  )
  return {
    folder,
    tarball: join(folder, packed.filename),
    files: packed.files.map(({ path }: { path: string }) => path),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Unpacks the tarball where a project in `folder` finds it. */
export function unpack({ tarball }: Packed, folder: string): void {
  const target = join(folder, 'node_modules/unmissed')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['xzf', tarball, '--strip-components', '1', '-C', target])
}

/** Writes files into a folder. */
export function write(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}
