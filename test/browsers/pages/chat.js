import { connect, storage } from 'unmissed'

// A chat's page: one answer, which it goes on with after a reload. What is shown is kept, as a page keeps its conversation.

const key = new URLSearchParams(location.search).get('chat') ?? 'chat'
const connection = connect('/chat', {
  method: 'POST',
  body: key,
  resume: storage(localStorage, `${key} place`),
  retry: { base: 50, max: 200 },
})
connection.on(({ data }) => localStorage.setItem(key, `${localStorage.getItem(key) ?? ''} ${data}`))
connection.closed.then((reason) => localStorage.setItem(`${key} end`, `${reason} ${connection.outcome?.state}`))
globalThis.connection = connection
