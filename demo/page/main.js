import { showChat } from './chat.js'
import { showFaults } from './faults.js'
import { connection } from './feed.js'
import { showHerd } from './herd.js'
import { showLatency } from './latency.js'
import { Ledger } from './ledger.js'
import { listen } from './native.js'
import { $ } from './page.js'
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

function row(element, ledger, sent, state) {
  const { received, lost, doubled, last, told } = ledger
  const behind = last === undefined ? 0 : Math.max(0, sent - last)
  const cells = [since(sent, ledger.first), received, lost, doubled, behind, state]
  while (element.children.length <= cells.length) element.append(document.createElement('td'))
  cells.forEach((value, i) => {
    const cell = element.children[i + 1]
    const text = typeof value === 'number' ? value.toLocaleString('en') : value
    if (cell.textContent !== text) cell.textContent = text
    if (i === 2 || i === 3) cell.className = value ? 'some' : 'zero'
  })
  element.dataset.told = told
}

// Nobody tells the page what was sent; the furthest that either reader has seen was sent at least.
const lastSent = () => Math.max(ours.last ?? 0, native.last ?? 0)
const since = (sent, first) => sent - (first ?? sent + 1) + 1

setInterval(() => {
  const sent = lastSent()
  row($('#ours'), ours, sent, connection.state)
  row($('#native'), native, sent, nativeState())
  const told = ours.told
    ? `${ours.told} events were lost with the server's log; it said so, and a snapshot made them good.`
    : ''
  if ($('#told').textContent !== told) $('#told').textContent = told
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
  const missing = native.lost + (sent - (native.last ?? sent))
  const state = nativeState() === 'gave up' ? ', and it has given up' : ''
  return {
    sent: since(sent, ours.first) + (twins?.ours.received ?? 0),
    lost: ours.lost + (twins?.ours.lost ?? 0),
    plain: `${missing + (twins?.byHand.lost ?? 0)} missing${state}`,
  }
})
twins = await showTwins()
