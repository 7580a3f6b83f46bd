/**
 * One server that does one thing: `side.js dist what`, where `dist` is a build of ours, or `plain` for what one would write by
 * hand. Tells its parent how much of its CPU one unit of it took, in microseconds.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath, pathToFileURL } from 'node:url'

const [dist, what] = process.argv.slice(2)
const isPlain = dist === 'plain'
const { accept, createHub } = isPlain ? {} : await import(pathToFileURL(`${dist}/server.js`).href)
const readers = fileURLToPath(new URL('reader.js', import.meta.url))
const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** How many events there are, and how many of them in one turn. */
const EVENTS = 100_000
const TURN = 200
const data = 'x'.repeat(50)
const bytes = Buffer.from(`data: ${data}\n\n`)

async function listen(handler) {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1', 4096)
  await once(server, 'listening')
  return server.address().port
}

function read(port, count, size, rate = 0, id = '') {
  const child = fork(readers, [port, count, size, rate, id].map(String))
  const until = async (word) => {
    while ((await once(child, 'message'))[0] !== word);
  }
  return { there: until('there'), done: until('done'), stop: () => child.kill() }
}

/** In turns, as events come in a program that lives: what is published in one is written together. */
async function inTurns(count, say) {
  for (let at = 0; at < count; ) {
    for (let n = 0; n < TURN && at < count; n++, at++) say(at)
    await new Promise(setImmediate)
  }
}

async function cost(units, work) {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / units
}

const publish = (count, events) => async () => {
  const hub = createHub({ maxQueued: 2 ** 30 })
  const port = await listen(hub.handle)
  const reading = count > 0 ? read(port, count, events * bytes.length) : undefined
  await reading?.there
  while (hub.size < count) await new Promise((resolve) => setTimeout(resolve, 5))
  const each = await cost(events, async () => {
    await inTurns(events, () => void hub.publish({ data }))
    await reading?.done
  })
  reading?.stop()
  return each
}

const tasks = {
  'publish, nobody there': publish(0, EVENTS),
  'publish, one reader': publish(1, EVENTS),
  'publish, 100 readers': publish(100, EVENTS / 10),

  async 'send of one connection'() {
    let begin
    const begun = new Promise((resolve) => {
      begin = resolve
    })
    const port = await listen((request, response) => {
      if (!isPlain) begin(accept(request, response, { maxQueued: 2 ** 30 }))
      else {
        response.writeHead(200, HEAD)
        response.write(':\n\n')
        begin(response)
      }
    })
    const reading = read(port, 1, EVENTS * bytes.length)
    const connection = await begun
    const each = await cost(EVENTS, async () => {
      await inTurns(EVENTS, () => (isPlain ? connection.write(bytes) : void connection.send({ data })))
      await reading.done
    })
    reading.stop()
    return each
  },

  async '100 readers that resume 9,000 events'() {
    const [events, count, text] = [9000, 100, 'x'.repeat(200)]
    let id = 'aaaaaaaaaaaaaa.0'
    let handler
    let size = 0
    if (isPlain) {
      const pages = []
      for (let at = 0; at < events; at += 256) {
        let page = ''
        for (let n = at; n < Math.min(events, at + 256); n++) page += `id: aaaaaaaaaaaaaa.${n}\ndata: ${text}\n\n`
        pages.push(Buffer.from(`${page.length.toString(16)}\r\n${page}\r\n`))
        size += page.length
      }
      handler = (_, response) => {
        response.writeHead(200, HEAD)
        response.write(':\n\n')
        let at = 0
        const go = () => {
          while (at < pages.length) if (!response.socket.write(pages[at++])) return response.socket.once('drain', go)
        }
        go()
      }
    } else {
      const hub = createHub({ history: { count: 10_000, bytes: 1e9 } })
      id = (await hub.publish({ data: 'x' })).id
      for (let n = 0; n < events; n++) size += `id: ${(await hub.publish({ data: text })).id}\ndata: ${text}\n\n`.length
      handler = hub.handle
    }
    const port = await listen(handler)
    return cost(count, async () => {
      const reading = read(port, count, size, 0, id)
      await reading.done
      reading.stop()
    })
  },

  async 'an arrival, 2,000 a second'() {
    const count = 4000
    const hub = isPlain ? undefined : createHub()
    const port = await listen(
      hub?.handle ??
        ((_, response) => {
          response.writeHead(200, HEAD)
          response.write(':\n\n')
          response.write('id: aaaaaaaaaaaaaa.0\n\n')
        }),
    )
    return cost(count, async () => {
      const reading = read(port, count, Number.POSITIVE_INFINITY, 2000)
      await reading.there
      reading.stop()
    })
  },
}

process.send(await tasks[what]())
process.exit()
