/** An answer in tokens: a POST, read once, that stops when it is told to. */
import { connect } from 'unmissed'
import { $, api } from './page.js'

export function showChat() {
  let answer
  $('#stop').addEventListener('click', () => answer?.close())
  $('#chat').addEventListener('submit', async (event) => {
    event.preventDefault()
    answer?.close()
    $('#answer').textContent = ''
    $('#stop').disabled = false
    const mine = connect(api('chat'), { method: 'POST', body: $('#prompt').value, parse: 'json', until: '[DONE]' })
    answer = mine
    mine.on(({ data }) => $('#answer').append(data.token))
    const reason = await mine.closed
    if (answer === mine) $('#stop').disabled = true
    if (reason === 'closed') $('#answer').append(' … stopped.')
  })
}
