// Runs the list in a worker of a browser and posts the report by itself; who starts it says where and under which name.
import { runList } from './harness.js'
import { list } from './list.js'

async function work(name) {
  const base = globalThis.location.origin
  await fetch(`${base}/reports/${name}`, { method: 'POST', body: JSON.stringify(await runList(list, base)) })
}

// A dedicated worker hears `message`, a shared one `connect`; a service worker must be kept alive until it is done.
addEventListener('message', (event) => {
  const done = work(event.data)
  event.waitUntil?.(done)
})
addEventListener('connect', (event) => {
  const [port] = event.ports
  port.onmessage = ({ data }) => work(data)
})
