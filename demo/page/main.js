import { showChat } from './chat.js'
import { showFaults } from './faults.js'
import { connection } from './feed.js'
import { showHerd } from './herd.js'
import { showLatency } from './latency.js'
import { Ledger } from './ledger.js'
import { listen } from './native.js'
import { $, say, sayRow } from './page.js'
import { showPath } from './path.js'
import { showPeople } from './people.js'
import { showReact } from './react.jsx'
import { showSharing } from './sharing.js'
import { showStates } from './states.js'
import { showTheme } from './theme.js'
import { showTimeline } from './timeline.js'
import { showTour } from './tour.js'
import { showTwins } from './twins.js'

const ours = new Ledger()
const native = new Ledger()
connection.on('tick', ({ data }) => ours.take(data.n))
connection.on('snapshot', ({ data }) => ours.snapshot(data.last))
const nativeState = listen(native)

// Nobody tells the page what was sent; the furthest that either reader has seen was sent at least.
const lastSent = () => Math.max(ours.last ?? 0, native.last ?? 0)
const since = (sent, first) => sent - (first ?? sent + 1) + 1
const behind = (sent, { last }) => Math.max(0, sent - (last ?? sent))

function showLedger(element, ledger, sent, state) {
  const { first, received, lost, doubled, told } = ledger
  sayRow(element, [since(sent, first), received, lost, doubled, behind(sent, ledger), state])
  element.dataset.told = told
}

setInterval(() => {
  const sent = lastSent()
  showLedger($('#ours'), ours, sent, connection.state)
  showLedger($('#native'), native, sent, nativeState())
  const told = `${ours.told} events were lost with the server's log; it said so, and a snapshot made them good.`
  say($('#told'), ours.told ? told : '')
}, 100)

showTheme()
const onBreak = showTimeline()
showFaults(onBreak)
showStates()
showPath()
showLatency()
showChat()
showSharing()
showPeople()
showReact()
showHerd()
let twins
showTour(() => {
  const sent = lastSent()
  const missing = native.lost + behind(sent, native)
  const state = nativeState() === 'gave up' ? ', and it has given up' : ''
  return {
    sent: since(sent, ours.first) + (twins?.ours.received ?? 0),
    lost: ours.lost + (twins?.ours.lost ?? 0),
    plain: `${missing + (twins?.byHand.lost ?? 0)} missing${state}`,
  }
})
twins = await showTwins()
