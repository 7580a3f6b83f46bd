/** A tab beside the demo's first page. */
import { $ } from './page.js'
import { join, tab } from './tabs.js'
import { showTheme } from './theme.js'

document.title = tab
$('h1').textContent = tab
join((rows, { sockets, leader }) => {
  const mine = rows.find((row) => row.tab === tab)
  $('#heard').textContent = mine ? `${mine.received} events, ${mine.lost} lost, ${mine.doubled} doubled` : '…'
  $('#sockets').textContent = sockets
  $('#leads').textContent =
    leader === tab
      ? 'This tab has the connection. Close it, and another one goes on.'
      : `It is the connection of: ${leader}.`
})
$('#close').addEventListener('click', () => close())
showTheme()
