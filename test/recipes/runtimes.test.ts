import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type EngineName, engine, wantedEngines } from '../engines.js'
import { freePort } from '../helpers/listen.ts'
import { open } from '../helpers/reader.ts'

const recipes: { name: string; runtime: EngineName; args: string[] }[] = [
  { name: 'Bun', runtime: 'bun', args: ['run', file('bun.js')] },
  { name: 'Deno', runtime: 'deno', args: ['run', '--no-lock', '--allow-net', '--allow-env', file('deno.js')] },
]

function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

let child: ChildProcess | undefined
/** Whatever the process wrote. */
let said = ''
afterEach(async () => {
  if (child?.exitCode === null && child.kill()) await once(child, 'exit')
})

/** Starts a recipe in a process of its own on a port that was free a moment ago, and waits until it answers. */
async function start(command: string, args: string[]): Promise<string> {
  const port = await freePort()
  said = ''
  child = spawn(command, args, { env: { ...process.env, PORT: String(port) } })
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      said += text
    })
  const url = `http://127.0.0.1:${port}/`
  await expect
    .poll(
      async () => {
        if (child?.exitCode !== null) throw new Error(said)
        return fetch(url, { method: 'HEAD' }).then(
          ({ status }) => status,
          () => said,
        )
      },
      { timeout: 20_000 },
    )
    .toBe(200)
  return url
}

for (const { name, runtime, args } of recipes) {
  describe.runIf(wantedEngines().includes(runtime))(name, () => {
    const say = (url: string, body: string) => fetch(url, { method: 'POST', body }).then((answer) => answer.json())

    it('gets every event at once, and replays what was missed', async () => {
      const url = await start(engine(runtime), args)
      const first = await open(url)
      expect(first.status).toBe(200)
      expect(first.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
      for (const [index, word] of ['one', 'two', 'three'].entries()) {
        const { id } = await say(url, word)
        expect((await first.until(index + 1)).at(-1)).toEqual({ type: 'message', data: word, id })
      }
      const lastEventId = first.events.at(-1)?.id
      first.drop()
      await first.ended
      await say(url, 'four')
      const second = await open(url, { lastEventId })
      await say(url, 'five')
      expect((await second.until(2)).map(({ data }) => data)).toEqual(['four', 'five'])
      second.drop()
      await second.ended
      expect(said).not.toMatch(/error|closed|warn|legacy/i)
    })
  })
}
