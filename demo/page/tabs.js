/** One connection for all tabs: each says what it has heard, and one of them has the connection. */
import { connect } from 'unmissed'
import { shared } from 'unmissed/share'
import { Ledger } from './ledger.js'

/** This tab, as the others call it. */
export const tab = new URLSearchParams(location.search).get('tab') ?? 'this page'
// Each demo of a browser is one of its own: its first page names it, and opens the others.
export const group = new URLSearchParams(location.search).get('group') ?? Math.random().toString(36).slice(2)

/** The same for whoever shares it, also for the hook. */
export const options = {
  headers: { 'x-tab': tab },
  parse: 'json',
  retry: { base: 300, max: 2000 },
  share: shared('demo', { scope: group }),
}

const ledger = new Ledger()
const rows = new Map()
const channel = new BroadcastChannel(`unmissed demo ${group}`)

/** Joins, and calls `draw` with all tabs whenever one has heard something. */
export function join(draw) {
  let last = { sockets: 0, leader: '' }
  const connection = connect('/api/tabs', options)
  const show = (row) => {
    rows.set(row.tab, { ...row, at: Date.now() })
    for (const [name, { at }] of rows) if (Date.now() - at > 2000) rows.delete(name)
    draw([...rows.values()], last)
  }
  channel.onmessage = ({ data }) => show(data)
  connection.on('snapshot', ({ data }) => ledger.snapshot(data.last))
  connection.on('tick', ({ data }) => {
    ledger.take(data.n)
    last = data
    const { received, lost, doubled } = ledger
    const row = { tab, received, lost, doubled }
    channel.postMessage(row)
    show(row)
  })
}
