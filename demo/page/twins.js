/** Two servers with one log: one is killed, and who read from it goes on at the other one. */
import { connect } from 'unmissed'
import { Ledger } from './ledger.js'
import { $, page, post, sayRow } from './page.js'

/** Shows the panel where there is a Redis, and says what was heard. */
export async function showTwins() {
  const answer = await fetch('/twins')
  const { port } = answer.ok ? await answer.json() : {}
  if (!port) {
    $('#twins-missing').hidden = false
    return undefined
  }
  const address = new URL(location.href)
  address.port = port
  const [ours, byHand] = [{ ledger: new Ledger() }, { ledger: new Ledger() }]

  const connection = connect(new URL(`/events?page=${page}`, address).href, {
    parse: 'json',
    retry: { base: 100, longest: 500 },
  })
  connection.on('tick', ({ data: { n, servers } }) => {
    ours.ledger.take(n)
    for (const number of [1, 2]) $(`#server-${number}`).dataset.state = servers.includes(number) ? 'up' : 'killed'
  })
  connection.on('welcome', ({ data }) => {
    ours.server = data.server
  })
  const source = new EventSource(new URL(`/by-hand?page=${page}`, address))
  source.addEventListener('tick', ({ data }) => byHand.ledger.take(JSON.parse(data).n))
  source.addEventListener('welcome', ({ data }) => {
    byHand.server = JSON.parse(data).server
  })

  setInterval(() => {
    for (const [row, { ledger, server }] of [
      ['#twins-ours', ours],
      ['#twins-by-hand', byHand],
    ])
      sayRow($(row), [server ? `server ${server}` : '', ledger.received, ledger.lost, ledger.doubled])
  }, 100)

  $('#kill').addEventListener('click', () => post(`/twins/${ours.server}`))
  $('#twins-there').hidden = false
  return { ours: ours.ledger, byHand: byHand.ledger }
}
