import { readFileSync } from 'node:fs'
import { peers } from '../protocol/peers.ts'
import { root } from './snippets.ts'

/** What `npm run bench:record` wrote, and `npm run company`. */
interface Results {
  readonly client: {
    readonly rows: readonly { what: string; bare: number | string; connect: number | string; ratio: number }[]
  }
  readonly herd: { readonly rows: readonly (Record<Policy, Return> & { world: string })[] }
  readonly server: {
    readonly fanOut: Record<string, Record<string, number>>
    readonly memory: Record<string, { heap: number }>
  }
  readonly runs: {
    readonly ways: Record<string, Record<'first' | 'rate' | 'commands', number>>
    readonly lost: Record<string, { readonly ends: boolean; readonly after: number }>
    readonly crowd: { readonly perToken: number; readonly perRun: number }
  }
  readonly share: {
    readonly cpu: number
    readonly late: Record<'ours' | 'bare', { readonly median: number; readonly p99: number }>
    readonly pauses: Record<string, Record<string, number>>
  }
  readonly hub: { readonly rows: readonly { task: string; microseconds: number; plain?: number }[] }
  readonly redis: {
    readonly ways: Record<string, Record<'median' | 'p99' | 'followed' | 'published', number>>
    readonly lost: Record<string, { readonly lost: number; readonly twice: number }>
    readonly resume: { readonly ratio: number; readonly reads: number; readonly scripts: number }
  }
  readonly company: Record<
    'reads' | 'isRead',
    readonly (Record<'name' | 'version', string> & Record<'cuts' | 'lost' | 'twice', number>)[]
  >
  readonly parser: {
    readonly seen: Ratios
    readonly fresh: Ratios
    readonly delivery: Record<string, Record<string, number>>
  }
}
type Policy = 'ours' | 'fixed 3 s' | 'exponential, no jitter'
interface Return {
  readonly peak: number
  readonly allBack: number | null
}
/** Node's release → form → workload → contender → ratio. */
type Ratios = Record<string, Record<string, Record<string, Record<string, number | undefined>>>>

const read = (path: string) => JSON.parse(readFileSync(`${root}${path}`, 'utf8'))
const results = (): Results => ({ ...read('test/bench/results.json'), company: read('test/company/results.json') })

function table(head: readonly string[], rows: readonly (readonly string[])[], right = true): string {
  const rule = head.map((_, at) => (at > 0 && right ? '---:' : '---'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const two = (number: number | undefined) => (number === undefined ? 'n/a' : number.toFixed(2))
const thousands = (number: number) => Math.round(number).toLocaleString('en-US')
const mean = (numbers: readonly number[]) =>
  Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length)

function client({ client: { rows } }: Results): string {
  return table(
    ['', 'bare loop', '`connect`', 'ratio'],
    rows.map(({ what, bare, connect, ratio }) => [what, String(bare), String(connect), two(ratio)]),
  )
}

function herd({ herd: { rows } }: Results): string {
  const cell = ({ peak, allBack }: Return) =>
    `${thousands(peak)}; ${allBack === null ? 'not within 20 minutes' : `${allBack} s`}`
  return table(
    ['server', '`connect`', 'fixed 3 s', 'exponential without jitter'],
    rows.map((row) => [row.world, cell(row.ours), cell(row['fixed 3 s']), cell(row['exponential, no jitter'])]),
  )
}

function hub({ hub: { rows } }: Results): string {
  return table(
    ['CPU of the server for …', 'beside what one would write by hand', 'µs, in that run'],
    rows.map(({ task, plain, microseconds }) => [task, plain === undefined ? '' : two(plain), two(microseconds)]),
  )
}

function redis({ redis: { ways, resume, lost } }: Results): string {
  const row = (what: string, of: 'median' | 'p99' | 'followed' | 'published') => [
    what,
    two(ways['ours']?.[of]),
    two(ways['pubsub']?.[of]),
    two(ways['socketio']?.[of]),
  ]
  const missing = (way: string) => String(lost[way]?.lost)
  return table(
    ['beside the bare loop', 'the log on Redis', 'publish and subscribe', 'Socket.IO, its Redis Streams adapter'],
    [
      row('from publish to socket, median', 'median'),
      row('the same, p99', 'p99'),
      row('events that a process follows in a second of its CPU', 'followed'),
      row('events that a process publishes in a second', 'published'),
      [
        `1,000 readers that resume 1,000 events each, beside the same from memory (${resume.reads} reads of Redis, ${resume.scripts} scripts)`,
        two(resume.ratio),
        'lost',
        'not asked',
      ],
      [
        `lost of 600 events when the server is killed and replaced (the bare loop: ${missing('bare')})`,
        missing('ours'),
        missing('pubsub'),
        missing('socketio'),
      ],
    ],
  )
}

function runs({ runs: { ways, lost, crowd } }: Results): string {
  const row = (what: string, of: 'first' | 'rate') => [
    what,
    ...['memory', 'redis', 'resumable-stream'].map((way) => two(ways[way]?.[of])),
  ]
  const end = (way: string) => (lost[way]?.ends ? `told after ${lost[way]?.after.toFixed(0)} s` : 'never told')
  const each = `${crowd.perToken.toFixed(1)} µs, ${(crowd.perRun / 1024).toFixed(1)} KiB`
  const asked = (way: string) => String(ways[way]?.commands)
  return table(
    ['beside `accept` alone', 'a run in memory', 'a run on Redis', 'resumable-stream, the same Redis'],
    [
      row('from the question to the first token, median', 'first'),
      row('tokens a second of one answer, each awaited', 'rate'),
      ['asked of Redis for 100 tokens', '', asked('redis'), asked('resumable-stream')],
      ['a reader elsewhere, when the producer is killed', '', end('redis'), end('resumable-stream')],
      ['10,000 at once, 20 tokens a second each: CPU per token, heap per run', each, '', ''],
    ],
  )
}

function share({ share: { cpu, late, pauses } }: Results): string {
  const one = (number: number | undefined) => (number === undefined ? '' : `${number.toFixed(1)} ms`)
  const pause = (what: string) => ['chromium', 'firefox', 'webkit'].map((name) => one(pauses[name]?.[what]))
  return [
    table(
      ['how long events wait when the tab that leads is …, median', 'Chromium', 'Firefox', 'WebKitGTK'],
      [
        ['closed', ...pause('closed')],
        ['crashed', ...pause('crashed')],
        ['asleep, with a heartbeat of one second', ...pause('asleep')],
      ],
    ),
    table(
      ['a tab that is told, in Chromium', 'here', 'a bare BroadcastChannel'],
      [
        ['CPU of its main thread for each event', two(cpu), '1'],
        [
          'later than the tab that leads: median, p99',
          ...[late.ours, late.bare].map((way) => `${one(way.median)}, ${one(way.p99)}`),
        ],
      ],
    ),
  ].join('\n\n')
}

const SERVERS: Record<string, string> = {
  limit: 'LIMIT',
  unmissed: '**unmissed**',
  naive: '`response.write` in a loop',
  'sse-channel': 'sse-channel 4.0.2',
  'better-sse': 'better-sse 0.16.1',
  'unmissed-web': '**unmissed, web `Response`**',
  hono: 'hono 4.13 `streamSSE`',
}

function server({ server: { fanOut } }: Results): string {
  const cells = Object.keys(fanOut['limit'] ?? {})
  const names = Object.keys(SERVERS).filter((name) => name in fanOut)
  return table(
    ['', ...cells.map((cell) => cell.replace(/^\d+ × /, '').replace('a turn', 'in one turn'))],
    names.map((name) => [SERVERS[name] ?? name, ...cells.map((cell) => two(fanOut[name]?.[cell]))]),
  )
}

function memory({ server: { memory } }: Results): string {
  const rows = Object.entries(memory)
    .filter(([name]) => name !== 'limit')
    .sort(([, one], [, other]) => one.heap - other.heap)
  return table(
    ['1,000 idle connections', 'heap, KiB each'],
    rows.map(([name, { heap }]) => [SERVERS[name] ?? name, heap.toFixed(1)]),
  )
}

function parser({ parser: { seen, fresh } }: Results): string {
  const nodes = Object.keys(seen)
  const cell = (ratios: Ratios, node: string, form: string, name: string, lowest: boolean) => {
    const found = Object.values(ratios[node]?.[form] ?? {}).flatMap((row) => row[name] ?? [])
    if (found.length === 0) throw new Error(`nothing was measured of ${name}`)
    return `${two(mean(found))}${lowest ? ` (${two(Math.min(...found))})` : ''}`
  }
  const row = (label: string, ratios: Ratios, form: string, name = 'unmissed') => [
    label,
    ...nodes.map((node) => cell(ratios, node, form, name, name === 'unmissed')),
  ]
  return table(
    ['', ...nodes.map((node) => `Node ${node}`)],
    [
      row('bytes, in a new process', fresh, 'bytes'),
      row('bytes, text seen in every shape', seen, 'bytes'),
      row('text, in a new process', fresh, 'text'),
      row('text, text seen in every shape', seen, 'text'),
      row('undici 7, bytes', seen, 'bytes', 'undici'),
      row('@microsoft/fetch-event-source, bytes', seen, 'bytes', 'fetch-event-source'),
      row('openai’s decoder, bytes', seen, 'bytes', 'openai'),
    ],
  )
}

const WORKLOADS: Record<string, string> = {
  'llm: one event a chunk': 'LLM tokens, one event a chunk',
  'llm: 64 KiB chunks': 'LLM tokens, 64 KiB chunks',
  'named pairs: 1400 B chunks': 'named pairs, 1,400-byte chunks',
  'long lines: 16 KiB chunks': '64 KiB to 1 MiB lines, 16 KiB chunks',
}

function workloads({ parser: { fresh, seen } }: Results): string {
  const nodes = Object.keys(seen)
  return table(
    ['bytes: in a new process / text seen in every shape', ...nodes.map((node) => `Node ${node}`)],
    Object.entries(WORKLOADS).map(([name, label]) => [
      label,
      ...nodes.map((node) =>
        [fresh, seen].map((ratios) => two(ratios[node]?.['bytes']?.[name]?.['unmissed'])).join(' / '),
      ),
    ]),
  )
}

const WAYS: Record<string, string> = {
  callback: '`createParser`, a callback',
  'unmissed events()': '`events()`',
  'unmissed EventDecoderStream': '`EventDecoderStream`',
  'eventsource-parser/stream': 'eventsource-parser/stream',
  'fetch-event-stream': 'fetch-event-stream',
  openai: 'openai',
}

function delivery({ parser: { delivery } }: Results): string {
  const nodes = Object.keys(delivery)
  return table(
    ['', ...nodes.map((node) => `Node ${node}`)],
    Object.entries(WAYS).map(([name, label]) => [
      label,
      ...nodes.map((node) => `${thousands(delivery[node]?.[name] ?? Number.NaN)} ns`),
    ]),
  )
}

const company =
  (side: 'reads' | 'isRead', head: string) =>
  ({ company }: Results): string =>
    table(
      [head, 'version', 'cuts', 'lost of 300', 'twice'],
      company[side].map(({ name, version, cuts, lost, twice }) => [name, version, `${cuts}`, `${lost}`, `${twice}`]),
    )

/** The few figures that tell most, for the first page. */
function beside({ redis, runs, server: { memory }, parser: { fresh } }: Results): string {
  const lost = (way: string) => String(redis.lost[way]?.lost)
  const end = (way: string) =>
    runs.lost[way]?.ends ? `told after ${runs.lost[way]?.after.toFixed(0)} s` : 'never told'
  const heap = (name: string) => `${memory[name]?.heap.toFixed(1)} KiB`
  const speed = (node: string, name: string) => {
    const found = Object.values(fresh[node]?.['bytes'] ?? {}).flatMap((row) => row[name] ?? [])
    return two(mean(found))
  }
  const parsers = peers.filter(({ departs }) => departs.length > 0)
  return table(
    ['', 'unmissed', 'others'],
    [
      [
        'events lost of 600, when the server is killed and replaced',
        lost('ours'),
        `${lost('pubsub')} with Redis’ publish and subscribe; ${lost('socketio')} with Socket.IO and its Redis Streams adapter`,
      ],
      [
        'the producer of an answer is killed: its readers elsewhere',
        end('redis'),
        `${end('resumable-stream')} by resumable-stream`,
      ],
      [
        'a parser that departs from the standard',
        'no',
        `${parsers.map(({ name }) => name).join(', ')}, each [as said](src/protocol/README.md#conformance)`,
      ],
      [
        'parsing in a new process, bytes, eventsource-parser = 1',
        ['20', '22', '24', '26'].map((node) => `${speed(node, 'unmissed')} on Node ${node}`).join(', '),
        `undici ${speed('20', 'undici')}, fetch-event-source ${speed('20', 'fetch-event-source')}, openai ${speed('20', 'openai')} on Node 20`,
      ],
      [
        'heap for each idle connection of a server',
        heap('unmissed'),
        `${heap('naive')} with \`node:http\` alone, ${heap('sse-channel')} with sse-channel, ${heap('better-sse')} with better-sse, ${heap('hono')} with Hono`,
      ],
    ],
    false,
  )
}

const tables: Record<string, (results: Results) => string> = {
  beside,
  client,
  herd,
  hub,
  redis,
  runs,
  share,
  server,
  memory,
  parser,
  workloads,
  delivery,
  reads: company('reads', '`connect` reads'),
  isRead: company('isRead', 'a hub is read by'),
}

/** Fills `<!-- bench: name -->` … `<!-- /bench -->` with what was measured. */
export function fillBench(markdown: string): string {
  const measured = results()
  return markdown.replace(/(<!-- bench: (\S+) -->\n)[\s\S]*?(<!-- \/bench -->)/g, (_, open, name, close) => {
    const make = tables[name]
    if (!make) throw new Error(`there is no table of ${name}`)
    return `${open}${make(measured)}\n${close}`
  })
}
