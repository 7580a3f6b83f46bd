// `connect` beside a bare `fetch` and `reader.read()` loop, on loopback: how late a listener hears, how many small events go
// through, what an idle connection holds. Rounds of both alternate, and only their ratio is told: the machine has its moods.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connect } from '../../src/index.ts'

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'main' },
    kind: { type: 'string', default: '' },
    url: { type: 'string', default: '' },
    samples: { type: 'string', default: '3000' },
    events: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '7' },
    connections: { type: 'string', default: '1000' },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const [SAMPLES, EVENTS, ROUNDS, CONNECTIONS] = [values.samples, values.events, values.rounds, values.connections].map(
  Number,
)
const FRAME = 'id: 12345\nevent: tick\ndata: {"price":3.14159}\n\n'
const KINDS = ['bare', 'connect']

/** Calls `onBytes` with the size of each chunk, or `onEvent` for each event; returns what ends it. */
const readers = {
  async bare(url, onBytes) {
    const abort = new AbortController()
    const { body } = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: abort.signal })
    const reader = body.getReader()
    ;(async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        onBytes(value.length)
      }
    })().catch(() => {})
    return () => abort.abort()
  },
  async connect(url, onBytes) {
    const connection = connect(url)
    connection.on(() => onBytes(FRAME.length))
    await connection.opened
    return connection.close
  },
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]
const quantile = (numbers, at) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * at)]
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function listen(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${server.address().port}/` }
}
function begin(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
}
function child(role, args) {
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)])
  return fork(fileURLToPath(import.meta.url), ['--role', role, ...flags], {
    execArgv: [...process.execArgv, '--expose-gc'],
  })
}

/** From the server's write to the listener, in one process, so that both read one clock. */
async function latency() {
  const responses = []
  const { server, url } = await listen((_, response) => {
    begin(response)
    responses.push(response)
  })
  const readings = { bare: [], connect: [] }
  const close = []
  let written = 0
  let heard = () => {}
  for (const kind of KINDS)
    close.push(
      await readers[kind](url, () => {
        readings[kind].push(performance.now() - written)
        heard()
      }),
    )
  for (let sample = 0; sample < SAMPLES * KINDS.length; sample++) {
    const next = new Promise((resolve) => {
      heard = resolve
    })
    await new Promise(setImmediate)
    written = performance.now()
    responses[sample % KINDS.length].write(FRAME)
    await next
  }
  for (const each of close) each()
  server.closeAllConnections()
  server.close()
  const warm = Object.fromEntries(KINDS.map((kind) => [kind, readings[kind].slice(SAMPLES >> 2)]))
  return {
    what: 'µs from write to listener, median (p99)',
    ...Object.fromEntries(
      KINDS.map((kind) => [
        kind,
        `${Math.round(median(warm[kind]) * 1000)} (${Math.round(quantile(warm[kind], 0.99) * 1000)})`,
      ]),
    ),
    ratio: median(warm.connect) / median(warm.bare),
    limit: '≤ 1.1',
    ok: (ratio) => ratio <= 1.1,
  }
}

/** Small events as fast as a server of another process writes them, each by its own `write`. */
async function throughput() {
  const source = child('source', { events: EVENTS })
  const [url] = await once(source, 'message')
  const rates = { bare: [], connect: [] }
  for (let round = 0; round < ROUNDS * KINDS.length; round++) {
    const kind = KINDS[round % KINDS.length]
    let bytes = 0
    let done = () => {}
    const all = new Promise((resolve) => {
      done = resolve
    })
    const begun = performance.now()
    const close = await readers[kind](url, (size) => {
      bytes += size
      if (bytes >= EVENTS * FRAME.length) done()
    })
    await all
    rates[kind].push(EVENTS / (performance.now() - begun))
    close()
    await pause(50)
  }
  source.kill()
  return {
    what: 'small events per ms, median',
    bare: Math.round(median(rates.bare)),
    connect: Math.round(median(rates.connect)),
    ratio: median(rates.connect.map((rate, at) => rate / rates.bare[at])),
    limit: '≥ 0.9',
    ok: (ratio) => ratio >= 0.9,
  }
}

/** What one of many idle connections holds, each kind in a process of its own. */
async function memory() {
  const { server, url } = await listen((_, response) => {
    begin(response)
    response.write(FRAME)
  })
  const held = { bare: [], connect: [] }
  for (let round = 0; round < 6; round++) {
    const kind = KINDS[round % KINDS.length]
    const process = child('holder', { kind, url, connections: CONNECTIONS })
    const [message] = await once(process, 'message')
    held[kind].push(message)
    process.kill()
    await once(process, 'exit')
  }
  server.closeAllConnections()
  server.close()
  // The process's memory is what is promised; the heap is told because it moves with every object of ours.
  const row = (what, key, most) => ({
    what: `KiB of ${what} per idle connection, median`,
    bare: (median(held.bare.map((each) => each[key])) / 1024).toFixed(1),
    connect: (median(held.connect.map((each) => each[key])) / 1024).toFixed(1),
    ratio: median(held.connect.map((each) => each[key])) / median(held.bare.map((each) => each[key])),
    limit: `≤ ${most}`,
    ok: (ratio) => ratio <= most,
  })
  return [row('resident memory', 'resident', 1.2), row('heap and buffers', 'heap', 1.3)]
}

const roles = {
  async source() {
    const { url } = await listen(async (_, response) => {
      begin(response)
      let wake = () => {}
      response.on('drain', () => wake()).on('close', () => wake())
      for (let sent = 0; sent < EVENTS; sent++)
        if (!response.write(FRAME))
          await new Promise((resolve) => {
            wake = resolve
          })
    })
    process.send(url)
  },
  async holder() {
    const settle = async () => {
      for (let times = 0; times < 4; times++) {
        await pause(50)
        global.gc()
      }
      const { rss, heapUsed, external } = process.memoryUsage()
      return { heap: heapUsed + external, resident: rss }
    }
    // What is loaded once is not the price of a connection.
    const first = await readers[values.kind](values.url, () => {})
    await pause(100)
    const before = await settle()
    let heard = 0
    const held = [first]
    for (let at = 0; at < CONNECTIONS; at += 50)
      held.push(
        ...(await Promise.all(Array.from({ length: 50 }, () => readers[values.kind](values.url, () => heard++)))),
      )
    while (heard < CONNECTIONS) await pause(10)
    const after = await settle()
    process.send({
      heap: (after.heap - before.heap) / CONNECTIONS,
      resident: (after.resident - before.resident) / CONNECTIONS,
    })
    await pause(60_000)
    return held
  },
  async main() {
    const figures = { latency, throughput, memory }
    const names = values.only ? values.only.split(',') : Object.keys(figures)
    const rows = []
    for (const name of names) rows.push(...[await figures[name]()].flat())
    if (values.json) {
      const figures = rows.map(({ what, bare, connect, ratio }) => ({ what, bare, connect, ratio }))
      process.stdout.write(JSON.stringify({ rows: figures }))
      return
    }
    console.table(
      rows.map(({ what, bare, connect, ratio, limit, ok }) => ({
        what,
        bare,
        connect,
        ratio: ratio.toFixed(2),
        limit,
        kept: ok(ratio),
      })),
    )
    if (values.check && !rows.every(({ ratio, ok }) => ok(ratio))) process.exitCode = 1
  },
}
await roles[values.role]()
