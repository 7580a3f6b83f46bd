/** `npm run docs`: writes the doc comments into the README's tables and into the reference. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fill, root } from './comments.js'
import { fillPeers } from './peers.ts'
import { reference } from './reference.js'

const readme = `${root}README.md`
writeFileSync(readme, fillPeers(fill(readFileSync(readme, 'utf8'))))
writeFileSync(`${root}src/reference.md`, reference())
