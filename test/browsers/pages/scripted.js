import { createMockServer } from 'unmissed/testing'

const server = createMockServer()
const { fetch } = globalThis
Object.assign(globalThis, {
  server,
  fetch: (input, init) => (`${input}`.endsWith('/events') ? server.fetch(input, init) : fetch(input, init)),
})
