import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { root } from '../docs/snippets.ts'

test('npm start builds without a warning, prints an address that answers at once, and ends at Ctrl-C', async () => {
  const child = spawn(process.execPath, ['--import', './test/helpers/typescript.mjs', 'demo/start.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let warned = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    warned += text
  })
  try {
    let said = ''
    child.stdout.setEncoding('utf8')
    while (!/http:\S+/.test(said)) said += (await once(child.stdout, 'data'))[0]
    const response = await fetch(/http:\S+/.exec(said)?.[0] ?? '')
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('<title>unmissed')
    child.kill('SIGINT')
    expect((await once(child, 'exit'))[0]).toBe(0)
    expect(warned).toBe('')
  } finally {
    child.kill('SIGKILL')
  }
})
