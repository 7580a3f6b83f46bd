/** The buttons that break things, and what should happen then. */
import { $, api, page, post } from './page.js'

const faults = {
  drop: ['Drop the connection', 'Both come back and go on after the last event.'],
  cut: ['Cut inside an event', 'Half an event arrives. It is dropped, and sent again as a whole.'],
  stall: [
    'Stall, half-open',
    'No byte, no error. The watchdog notices after 2.5 heartbeats; EventSource waits for ever.',
  ],
  away: ['Server away for 10 s', 'Growing pauses with jitter, and then all that was missed.'],
  expire: ['Expire the token', 'A 401: a new token is asked for, and the attempt repeated. EventSource gives up.'],
  limit: ['429, Retry-After: 3', 'Nobody asks before the three seconds are over. EventSource gives up.'],
  flood: ['Flood', '5,000 events at once.'],
  slow: [
    'Slow reader',
    'The line takes 40 kB of 20 MB a second. The server lets go of the reader, and replays when it is back.',
  ],
  garbage: ['Garbage', 'Rubbish between the events: ignored, as the standard says.'],
  restart: ['Restart the server', 'Its log dies with it. The gap is told, and a snapshot makes it good.'],
}

/** Some faults are only felt by who has much to carry. */
const extra = {
  flood: () => post(api('flood', { events: 5000 })),
  slow: () => post(api('flood', { events: 4000, bytes: 5000 })),
}

export function showFaults(onBreak) {
  for (const [name, [title, meaning]] of Object.entries(faults)) {
    const item = document.createElement('li')
    const button = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: title,
      id: `fault-${name}`,
    })
    const span = Object.assign(document.createElement('span'), { textContent: meaning, id: `meaning-${name}` })
    button.setAttribute('aria-describedby', span.id)
    button.addEventListener('click', async () => {
      onBreak(title)
      if (name !== 'flood') await post(`/break/${name}?page=${page}`)
      await extra[name]?.()
    })
    item.append(button, span)
    $('#faults').append(item)
  }
}
