/** A user in a room: one connection, two audiences. */
import { connect } from 'unmissed'
import { $, api, line, post, renew } from './page.js'

export function showPeople() {
  let connection
  function join() {
    connection?.close()
    $('#said').replaceChildren()
    connection = connect(api('people', { user: $('#user').value, room: $('#room').value }), {
      parse: 'json',
      onUnauthorized: renew,
    })
    connection.on('said', ({ data: { at, to, text } }) => {
      line($('#said'), `${new Date(at).toLocaleTimeString()} ${to ?? 'to everyone'}: ${text}`)
    })
  }
  for (const control of [$('#user'), $('#room')]) control.addEventListener('change', join)
  join()

  $('#people').addEventListener('submit', (event) => {
    event.preventDefault()
    post(api('say', { room: $('#room').value }), $('#say').value)
  })
  for (const button of document.querySelectorAll('[data-to]'))
    button.addEventListener('click', () => post(api('say', { user: button.dataset.to }), $('#say').value))
}
