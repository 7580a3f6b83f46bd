// Run by differential.test.ts as `node --experimental-eventsource node-eventsource.js <url> <number of bodies>`: reads
// /0, /1, … and prints what Node's own EventSource dispatches for each.
const [url, count] = process.argv.slice(2)

function read(number) {
  return new Promise((resolve) => {
    const events = []
    const source = new EventSource(`${url}/${number}`)
    // The names are the server's to choose, so the only way to hear all of them is where they are dispatched.
    source.dispatchEvent = (event) => {
      if ('lastEventId' in event) events.push({ type: event.type, data: event.data, id: event.lastEventId })
      else if (event.type === 'error') {
        // The body is over: it would reconnect now.
        source.close()
        resolve(events)
      }
      return true
    }
  })
}

const results = []
for (let number = 0; number < Number(count); number++) results.push(await read(number))
process.stdout.write(JSON.stringify(results))
