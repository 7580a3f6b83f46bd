/** `npm run docs`: writes doc comments, departures of other parsers and figures into the tables of all pages, and the reference. */
import { writeFileSync } from 'node:fs'
import { fillBench } from './bench.ts'
import { fill, root } from './comments.js'
import { pages, textOf } from './pages.js'
import { fillPeers } from './peers.ts'
import { reference } from './reference.js'

for (const page of pages) writeFileSync(root + page, fillBench(fillPeers(fill(textOf(page)))))
writeFileSync(`${root}src/reference.md`, reference())
