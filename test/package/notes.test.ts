import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { notesOf } from './notes.js'

function repository(...steps: (string | { tag: string })[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'unmissed-notes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder })
  git('init', '-q')
  for (const step of steps)
    if (typeof step === 'string') git('commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', step)
    else git('tag', '--no-sign', step.tag)
  return folder
}

test('the notes of a release have what came since the last one, in the order of who reads them', () => {
  const folder = repository(
    'feat: old',
    { tag: 'v0.1.0' },
    'fix(hub): a place of an earlier life is found',
    'feat(client): storage reads a run whole',
    'perf(server): what leaves in one turn is encoded at once',
    'test: nobody outside sees this',
    'feat(log)!: a log has lives\n\nBREAKING CHANGE: `since` is called `from`:\nrename it.',
    'docs: a README of one page',
    { tag: 'v0.2.0' },
    'fix: later',
  )
  expect(notesOf(folder, 'v0.2.0')).toBe(`## To change in your code

- **log**: \`since\` is called \`from\`: rename it.

## New

- **client**: storage reads a run whole

## Mended

- **hub**: a place of an earlier life is found

## Faster and smaller

- **server**: what leaves in one turn is encoded at once

## Documentation

- a README of one page
`)
  expect(notesOf(folder)).toBe('## Mended\n\n- later\n')
})

test('those of the first release have everything, and one without news says so', () => {
  expect(notesOf(repository('feat: first', { tag: 'v0.1.0' }), 'v0.1.0')).toBe('## New\n\n- first\n')
  expect(notesOf(repository('feat: a', { tag: 'v1' }, 'chore: b', { tag: 'v2' }), 'v2')).toMatch(/^Nothing/)
})

test('a change that breaks is told by its mark alone, too', () => {
  expect(notesOf(repository('fix!: ids are texts'))).toBe('## To change in your code\n\n- ids are texts\n')
})
