import { connect } from 'unmissed'
import { shared } from 'unmissed/share'

// One tab of the benchmark: it shares a connection in our way, or by a BroadcastChannel alone, as it is written by hand.

const query = new URLSearchParams(location.search)
const seen = new Map()
const now = () => performance.timeOrigin + performance.now()
const take = ({ data }) => seen.set(data, now())

if (query.get('way') === 'ours') {
  const connection = connect('/events', { share: shared('bench') })
  connection.on(take)
  globalThis.ready = connection.opened
} else {
  const channel = new BroadcastChannel('bench')
  if (query.get('leads')) {
    const source = new EventSource('/events')
    source.onmessage = ({ type, data, lastEventId: id }) => {
      const event = { type, data, id }
      channel.postMessage(event)
      take(event)
    }
    globalThis.ready = new Promise((resolve) => {
      source.onopen = resolve
    })
  } else channel.onmessage = ({ data }) => take(data)
}
globalThis.report = () => JSON.stringify([...seen])
