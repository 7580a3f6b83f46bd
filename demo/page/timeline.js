/** The last two minutes: what the connection was, and when events came. */
import { connection } from './feed.js'
import { $, canvas, colour } from './page.js'

const SPAN = 120_000
/** How many titles may stand above each other. */
const ROWS = 4
const COLOURS = { connecting: 'wait', open: 'accent', waiting: 'wait', paused: 'soft', closed: 'bad' }

export function showTimeline() {
  const spans = [{ state: connection.state, from: Date.now(), attempt: 1 }]
  const breaks = []
  connection.subscribe(({ state, attempt }) => spans.push({ state, attempt, from: Date.now() }))
  $('#timeline-legend').innerHTML = ['open', 'waiting', 'connecting', 'closed']
    .map(
      (state) =>
        `<i class="key" style="background:var(--${COLOURS[state]});opacity:${state === 'waiting' ? 0.45 : 1}"></i>${state}`,
    )
    .join('')

  const draw = canvas($('#timeline'), (context, width, height) => {
    const now = Date.now()
    const x = (at) => width * (1 - (now - at) / SPAN)
    while (spans.length > 1 && spans[1].from < now - SPAN) spans.shift()
    context.font = '11px system-ui'
    spans.forEach(({ state, from, attempt }, index) => {
      const left = Math.max(0, x(from))
      const right = index + 1 < spans.length ? x(spans[index + 1].from) : width
      context.globalAlpha = state === 'waiting' ? 0.45 : 1
      context.fillStyle = colour(COLOURS[state])
      const high = state === 'open' ? 44 : state === 'waiting' ? 18 : 30
      context.fillRect(left, height - 24 - high, Math.max(2, right - left), high)
      context.globalAlpha = 1
      if (state === 'connecting' && attempt > 1) context.fillText(attempt, left, height - 60)
    })
    context.fillStyle = colour('soft')
    // Each title in the first row that is free there; where none is, the line alone says it.
    const ends = Array.from({ length: ROWS }, () => 0)
    for (const { at, title } of breaks) {
      const length = context.measureText(title).width
      const left = Math.min(x(at) + 3, width - length)
      const row = ends.findIndex((end) => end < left)
      context.fillRect(x(at), Math.max(0, row) * 13 + 4, 1, height - 28 - Math.max(0, row) * 13)
      if (row < 0) continue
      ends[row] = left + length + 6
      context.fillText(title, left, row * 13 + 12)
    }
    for (let s = 0; s <= 120; s += 30)
      context.fillText(s ? `−${s} s` : 'now', Math.max(0, x(now - s * 1000) - (s ? 0 : 24)), height - 6)
  })
  setInterval(draw, 250)
  return (title) => {
    breaks.push({ at: Date.now(), title })
    if (breaks.length > 20) breaks.shift()
  }
}
