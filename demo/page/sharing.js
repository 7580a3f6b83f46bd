/** The panel of the tabs: who hears what, over whose connection. */
import { $ } from './page.js'
import { group, join } from './tabs.js'

let opened = 0

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
  $('#open-tab').addEventListener('click', () => {
    open(`tab.html?${new URLSearchParams({ tab: `tab ${++opened}`, group })}`)
  })
}
