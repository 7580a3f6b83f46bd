import { connect } from 'unmissed'
import { shared } from 'unmissed/share'

// A worker that shares the connection of the pages, and says what it has heard.

const heard = []
const connection = connect('/events', {
  headers: { 'x-tab': 'worker' },
  parse: 'json',
  share: shared('feed', { heartbeat: 1000 }),
})
let tell = (numbers) => globalThis.postMessage(numbers)
globalThis.onconnect = ({ ports: [port] }) => {
  tell = (numbers) => port.postMessage(numbers)
}
connection.on(({ data }) => {
  heard.push(data.n)
  if (heard.length === 50) tell(heard)
})
