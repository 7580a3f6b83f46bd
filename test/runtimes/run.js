// Runs the list in a runtime that is started as a command: node, bun, deno. The first argument is the server's address.
import { runList } from './harness.js'
import { list } from './list.js'

const [base] = globalThis.process.argv.slice(2)
const results = await runList(list, base)
await fetch(`${base}/reports/main`, { method: 'POST', body: JSON.stringify(results) })
