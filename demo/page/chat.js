/** An answer that survives: one POST begins it, a page that was reloaded goes on with it, and may stop it. */
import { connect, storage } from 'unmissed'
import { $, api } from './page.js'
import { askPlainly, mournAnswer } from './plain.js'

const KEY = 'unmissed demo answer'
// What was shown is gone with the page: the answer is read from its beginning again.
const resume = storage(localStorage, KEY, { whole: true })

const ENDS = {
  finished: '',
  stopped: ' … stopped.',
  failed: ' … failed.',
}

export function showChat() {
  let answer
  let stopPlain
  async function read(prompt) {
    answer?.close()
    $('#answer').textContent = ''
    $('#stop').disabled = false
    const mine = connect(api('chat'), { method: 'POST', body: prompt, parse: 'json', resume })
    answer = mine
    mine.on('token', ({ data }) => $('#answer').append(data.token))
    const reason = await mine.closed
    if (answer !== mine) return
    $('#stop').disabled = true
    if (reason !== 'closed') $('#answer').append(ENDS[mine.outcome?.state] ?? ' … gone with the server that made it.')
  }
  $('#stop').addEventListener('click', () => {
    stopPlain?.()
    return fetch(answer.location, { method: 'DELETE' })
  })
  $('#reload').addEventListener('click', () => location.reload())
  $('#chat').addEventListener('submit', (event) => {
    event.preventDefault()
    // Another question is another answer.
    localStorage.removeItem(KEY)
    read($('#prompt').value)
    stopPlain?.()
    stopPlain = askPlainly($('#prompt').value)
  })
  mournAnswer()
  if (localStorage.getItem(KEY)) read('')
}
