// Runs the list in the page itself or in one of its workers, as the address asks; or what only a page does.
import { compare } from './differential.js'
import { runList } from './harness.js'
import { list, native } from './list.js'

const name = new URLSearchParams(location.search).get('scope')
const options = { type: 'module' }
const script = '/test/runtimes/scope.js'

const report = (results) => fetch(`/reports/${name}`, { method: 'POST', body: JSON.stringify(results) })
const failed = (error) => report({ error: `${error.message ?? error}` })

const scopes = {
  window: async () => report(await runList(list, location.origin)),
  native: async () => report(await runList(native, location.origin, 2000)),
  differential: async () => report(await compare(location.origin)),
  'dedicated-worker'() {
    const worker = new Worker(script, options)
    worker.onerror = failed
    worker.postMessage(name)
  },
  'shared-worker'() {
    const worker = new SharedWorker(script, options)
    worker.onerror = failed
    worker.port.postMessage(name)
  },
  async 'service-worker'() {
    const registration = await navigator.serviceWorker.register(script, { ...options, scope: '/nowhere/' })
    const worker = registration.installing ?? registration.waiting ?? registration.active
    worker.postMessage(name)
  },
}

Promise.resolve(name)
  .then((name) => scopes[name]())
  .catch(failed)
