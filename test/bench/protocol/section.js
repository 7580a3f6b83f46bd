/** One section in a process of its own: `section.js name options`, figures as JSON on the standard output. */
import { choose, loadSource } from './options.js'

const [name, json] = process.argv.slice(2)
const raw = JSON.parse(json)
const section = await import(`./${name}.js`)
const figures = await section.measure({
  ...raw,
  only: choose(raw.only),
  workloads: choose(raw.workloads),
  src: await loadSource(raw.src),
})
process.stdout.write(JSON.stringify({ node: process.version, figures }))
