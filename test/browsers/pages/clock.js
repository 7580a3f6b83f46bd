import { connect } from 'unmissed'

const connection = connect('/events', { retry: { base: 50, max: 50 } })
const show = (name, text) => {
  document.querySelector(`#${name}`).textContent = text
}
connection.subscribe(({ state }) => show('state', state))
connection.on('tick', ({ data }) => show('tick', data))
