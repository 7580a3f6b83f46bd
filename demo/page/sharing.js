/** The panel of the tabs: who hears what, over whose connection. */
import { $ } from './page.js'
import { showTenPlain } from './plain.js'
import { group, join } from './tabs.js'

let opened = 0
const address = () => `tab.html?${new URLSearchParams({ tab: `tab ${++opened}`, group })}`

/** Ten frames: to the browser each is a page of its own, as a tab is. */
function toggleTen() {
  const frames = document.querySelectorAll('.tab-frame')
  for (const frame of frames) frame.remove()
  $('#ten-tabs').textContent = frames.length ? 'Ten at once' : 'Close the ten'
  if (frames.length) return
  for (let n = 0; n < 10; n++) {
    const frame = Object.assign(document.createElement('iframe'), {
      src: address(),
      className: 'tab-frame',
      title: 'a tab',
    })
    document.body.append(Object.assign(frame, { hidden: true }))
  }
}

function row({ tab, received, lost, doubled }, leader) {
  const element = document.createElement('tr')
  const head = Object.assign(document.createElement('th'), { scope: 'row', textContent: tab })
  element.append(head)
  for (const value of [received, lost, doubled, tab === leader ? 'has it' : 'is told'])
    element.append(Object.assign(document.createElement('td'), { textContent: value }))
  return element
}

export function showSharing() {
  join((rows, { sockets, leader }) => {
    $('#tab-sockets').textContent = sockets
    $('#tab-lost').textContent = rows.reduce((sum, { lost }) => sum + lost, 0)
    $('#tabs').replaceChildren(...rows.map((each) => row(each, leader)))
  })
  $('#open-tab').addEventListener('click', () => open(address()))
  $('#ten-tabs').addEventListener('click', toggleTen)
  showTenPlain()
}
