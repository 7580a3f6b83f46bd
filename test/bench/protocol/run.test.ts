import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const harness = fileURLToPath(new URL('run.js', import.meta.url))
const source = fileURLToPath(new URL('../../../src/index.ts', import.meta.url))
const peers = ['eventsource-parser', 'fetch-event-source', 'undici', 'openai', 'fetch-event-stream']

interface Figures {
  nanoseconds?: number
  failure?: string
}

interface Run {
  parse: Record<'bytes' | 'text', { workload: string; contenders: Record<string, Figures> }[]>
  delivery: { workload: string; ways: Record<string, Figures> }[]
  allocation: { workload: string; contenders: Record<string, { bytes?: number; failure?: string }> }[]
  linearity: { shape: string; readers: Record<string, { growth?: number[]; failure?: string }> }[]
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unmissed-bench-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** One round over bodies a hundredth of the size: enough to see that all is there, and no figure to believe. */
async function tiny(...words: string[]): Promise<Run> {
  const json = join(folder, 'run.json')
  await promisify(execFile)(process.execPath, [
    harness,
    ...words,
    ...['--processes', '1', '--rounds', '1', '--sample', '0.1', '--scale', '0.01', '--json', json],
  ])
  const [run] = JSON.parse(await readFile(json, 'utf8'))
  return run
}

function failures(run: Run) {
  return Object.entries(run.parse).flatMap(([form, rows]) =>
    rows.flatMap(({ workload, contenders }) =>
      Object.entries(contenders).flatMap(([name, { failure }]) =>
        failure ? [`${form}, ${workload}: ${name} ${failure}`] : [],
      ),
    ),
  )
}

test('times every reader whose events are those of the workload, and names the others', {
  timeout: 60_000,
}, async () => {
  const run = await tiny('--src', source, '--only', `${peers},floor`)

  expect(failures(run)).toEqual([
    'bytes, a million empty lines: fetch-event-source hands over an empty message for every empty line',
  ])
  expect(run.parse.bytes).toHaveLength(16)
  for (const { contenders } of run.parse.bytes)
    for (const name of ['src', 'eventsource-parser', 'undici', 'openai', 'floor', 'floor (stream)'])
      expect(contenders[name]?.nanoseconds).toBeGreaterThan(0)
  for (const { contenders } of run.parse.text)
    expect(Object.keys(contenders)).toEqual(['src', 'eventsource-parser', 'floor'])

  for (const { ways } of run.delivery) {
    expect(Object.keys(ways)).toEqual(expect.arrayContaining(['callback', 'src events()', 'src EventDecoderStream']))
    for (const { nanoseconds } of Object.values(ways)) expect(nanoseconds).toBeGreaterThan(0)
  }
  for (const { contenders } of run.allocation)
    for (const { bytes } of Object.values(contenders)) expect(bytes).toBeGreaterThan(0)
  for (const { readers } of run.linearity)
    for (const [name, { growth, failure }] of Object.entries(readers))
      if (!failure) for (const times of growth ?? [0]) expect(times, name).toBeGreaterThan(0)
})

test('does not time a parser that loses an event, renames one or cuts its data', { timeout: 60_000 }, async () => {
  const wrong = join(folder, 'wrong.mjs')
  await writeFile(
    wrong,
    `export function createParser({ onEvent }) {
      let text = ''
      return {
        push: (chunk) => { text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk) },
        end() {
          const events = text.split('\\n\\n').slice(0, -1).map((block) => block.replace(/^event: .*\\n/, '').slice('data: '.length))
          for (const data of events.slice(0, -1)) onEvent({ type: 'message', data, id: '' })
        },
      }
    }`,
  )
  const run = await tiny(
    'parse',
    '--src',
    wrong,
    '--only',
    'eventsource-parser',
    '--forms',
    'text',
    '--workloads',
    'llm: 64,pairs,tiny',
  )

  expect(failures(run)).toEqual([
    'text, llm: 64 KiB chunks: src delivers 99 events, not 100',
    'text, named pairs: 1400 B chunks: src event 1 has type message, not content_block_delta',
    'text, tiny events: 64 KiB chunks: src event 1 has other data',
  ])
})
