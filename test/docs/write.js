/** `npm run docs`: writes doc comments, departures of other parsers and figures into the README's tables, and the reference. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fillBench } from './bench.ts'
import { fill, root } from './comments.js'
import { fillPeers } from './peers.ts'
import { reference } from './reference.js'

const readme = `${root}README.md`
writeFileSync(readme, fillBench(fillPeers(fill(readFileSync(readme, 'utf8')))))
writeFileSync(`${root}src/reference.md`, reference())
