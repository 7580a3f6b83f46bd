/** The states, with the present one lit and the waiting time counting down. */
import { connection } from './feed.js'
import { $ } from './page.js'

export function showStates() {
  let until = 0
  let before
  let opened = 0
  connection.subscribe(({ state, delay }) => {
    until = Date.now() + (delay ?? 0)
    if (state === 'open' && before !== state) opened++
    before = state
    draw()
  })
  for (const button of document.querySelectorAll('[data-do]'))
    button.addEventListener('click', () => connection[button.dataset.do]())
  setInterval(draw, 100)
  draw()

  function draw() {
    const { state, attempt, delay, error, lastEventId } = connection.snapshot
    for (const item of $('#states').children) {
      if (item.dataset.state === state) item.setAttribute('aria-current', 'true')
      else item.removeAttribute('aria-current')
    }
    const parts = [`attempt ${attempt}`]
    if (opened > 1) parts.push(`opened ${opened} times`)
    if (delay !== undefined) parts.push(`the next in ${(Math.max(0, until - Date.now()) / 1000).toFixed(1)} s`)
    if (error) parts.push(error.message)
    if (lastEventId) parts.push(`last id ${lastEventId}`)
    $('#detail').textContent = parts.join(' · ')
  }
}
