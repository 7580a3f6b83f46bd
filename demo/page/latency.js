/** From the server's publish to the listener; both clocks are this machine's. */
import { connection } from './feed.js'
import { $, canvas, colour } from './page.js'

const KEPT = 2000

export function showLatency() {
  let times = []
  connection.on('tick', ({ data }) => {
    times.push(Math.max(0, Date.now() - data.at))
    if (times.length > KEPT) times = times.slice(-KEPT / 2)
  })
  const draw = canvas($('#latency'), (context, width, height) => {
    if (!times.length) return
    const sorted = times.toSorted((a, b) => a - b)
    const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
    $('#percentiles').textContent = `p50 ${at(0.5)} ms · p99 ${at(0.99)} ms · ${times.length} events`
    // Each bar is twice as wide in time as the one before: replayed events are seconds old.
    const bars = Array(16).fill(0)
    for (const time of times) bars[Math.min(15, Math.floor(Math.log2(time + 1)))]++
    const most = Math.max(...bars)
    const step = width / bars.length
    context.font = '10px system-ui'
    bars.forEach((count, i) => {
      const high = count ? Math.max(2, ((height - 22) * Math.log1p(count)) / Math.log1p(most)) : 0
      context.fillStyle = colour('accent')
      context.fillRect(i * step + 1, height - 16 - high, step - 2, high)
      context.fillStyle = colour('soft')
      if (i % 3 === 0) context.fillText(label(2 ** i - 1), i * step + 1, height - 3)
    })
  })
  setInterval(draw, 500)
}

const label = (milliseconds) => (milliseconds < 1000 ? `${milliseconds} ms` : `${Math.round(milliseconds / 1000)} s`)
