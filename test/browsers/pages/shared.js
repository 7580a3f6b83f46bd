import { connect } from 'unmissed'
import { shared } from 'unmissed/share'

// One of several tabs that share a connection: what it has heard, and how late that was.

const query = new URLSearchParams(location.search)
const id = query.get('tab')
const heard = []
const gaps = []
const fetched = []
let late = 0

if (query.get('plain')) {
  const source = new EventSource('/events')
  source.onmessage = ({ data }) => heard.push(Number(JSON.parse(data).n))
} else {
  const connection = connect('/events', {
    headers: { 'x-tab': id },
    retry: { base: 50, max: 200 },
    parse: 'json',
    onGap: (gap) => gaps.push(gap),
    share: shared('feed', { heartbeat: 1000, scope: query.get('scope') ?? '' }),
  })
  connection.on(({ data: { n, at } }) => {
    heard.push(n)
    late = Math.max(late, Date.now() - at)
  })
  globalThis.connection = connection
}

// What else a page does.
globalThis.ask = () => {
  const begun = Date.now()
  fetch(`/other?${Math.random()}`).then(() => fetched.push(Date.now() - begun))
}
globalThis.freeze = (milliseconds) => {
  setTimeout(() => {
    for (const end = Date.now() + milliseconds; Date.now() < end; );
  }, 20)
}
globalThis.report = () => {
  return JSON.stringify({ heard, gaps, fetched, late })
}
globalThis.reset = () => {
  late = 0
}
