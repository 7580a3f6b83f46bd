// One hub, served by whatever runs this: readers that resume at once, all together and one after the other, get all of it.
import { createServer, get } from 'node:http'
import { accept, createHub } from '../../dist/server.js'

const COUNT = 300
const hub = createHub({ heartbeat: 0 })
const { id } = await hub.publish({ data: 0 })
const server = createServer((request, response) => {
  if (request.url === '/hub') return void hub.handle(request, response)
  // Everything is sent in the turn in which the head is.
  const connection = accept(request, response)
  for (let n = 1; n <= COUNT; n++) connection.send({ data: n }).catch(() => {})
  connection.close()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address()

/** The numbers that a reader is given, up to the last. */
const read = (path, last) =>
  new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream', 'last-event-id': id }
    get({ port, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
        if (!text.includes(`data: ${last}\n\n`)) return
        response.destroy()
        resolve([...text.matchAll(/^data: (\d+)$/gm)].map(([, number]) => Number(number)))
      })
    }).on('error', reject)
  })

const upTo = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n).join()
const same = (found, expected, what) => {
  if (found.join() !== expected) throw new Error(`${what}: got ${found.join().slice(0, 200)}`)
}

for (let n = 1; n <= COUNT; n++) await hub.publish({ data: n })
same(await read('/hub', COUNT), upTo(1, COUNT), 'a resume')
for (const found of await Promise.all(Array.from({ length: 20 }, () => read('/hub', COUNT)))) {
  same(found, upTo(1, COUNT), 'one of twenty resumes')
}
const live = read('/hub', 2 * COUNT)
for (let n = COUNT + 1; n <= 2 * COUNT; n++) await hub.publish({ data: n })
same(await live, upTo(1, 2 * COUNT), 'a resume while more is published')
same(await read('/accept', COUNT), upTo(1, COUNT), 'a stream that ends at once')

await hub.close({ within: 100 })
server.close()
server.closeAllConnections?.()
console.log('whole')
process.exit(0)
