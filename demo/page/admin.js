/** The admin's view: what `GET /stats` and `GET /metrics` say, and `POST /broadcast`. */
import { $ } from './page.js'
import { showTheme } from './theme.js'

const call = (path, init = {}) =>
  fetch(`/api/admin/${path}`, {
    ...init,
    headers: { authorization: 'Bearer demo', 'content-type': 'application/json' },
  })

async function refresh() {
  $('#stats').textContent = JSON.stringify(await (await call('stats')).json(), null, 2)
  $('#metrics').textContent = await (await call('metrics')).text()
}

$('#broadcast').addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = JSON.stringify({
    event: 'said',
    topic: $('#topic').value,
    data: { text: $('#message').value, at: Date.now() },
  })
  const response = await call('broadcast', { method: 'POST', body })
  $('#result').textContent = `${response.status}: ${JSON.stringify(await response.json())}`
})

showTheme()
refresh()
setInterval(refresh, 1000)
