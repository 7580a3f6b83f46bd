/** A thousand clients that lost their server, and when each of them asks again: computed by the package itself. */
import { connect } from 'unmissed'
import { $, canvas, colour } from './page.js'

const CLIENTS = 1000
const SECONDS = 24

/** A server that says when to come back, and is gone. */
const dying = async () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('retry: 3000\ndata: hello\n\n'))
        setTimeout(() => controller.error(new Error('gone')))
      },
    }),
    { headers: { 'content-type': 'text/event-stream' } },
  )

/** What one client would wait. */
const wait = () =>
  new Promise((resolve) => {
    connect('http://herd.invalid/', {
      fetch: dying,
      onError() {},
      retry({ delay }) {
        resolve(delay)
        return false
      },
    })
  })

export async function showHerd() {
  const ours = Array(SECONDS).fill(0)
  const fixed = Array(SECONDS).fill(0)
  const draw = canvas($('#herd'), (context, width, height) => {
    const step = width / SECONDS
    const bar = (counts, name, inset) => {
      context.fillStyle = colour(name)
      counts.forEach((count, i) => {
        const high = ((height - 18) * count) / CLIENTS
        context.fillRect(i * step + inset, height - 16 - high, step - 2 * inset, high)
      })
    }
    bar(fixed, 'line', 1)
    bar(ours, 'accent', 3)
    context.fillStyle = colour('soft')
    context.font = '10px system-ui'
    for (let s = 0; s < SECONDS; s += 6) context.fillText(`${s} s`, s * step + 1, height - 3)
  })
  // In small lots: a page that computes a herd has other things to do.
  for (let done = 0; done < CLIENTS; done += 50) {
    for (const delay of await Promise.all(Array.from({ length: 50 }, wait))) {
      ours[Math.min(SECONDS - 1, Math.floor(delay / 1000))]++
      fixed[3]++
    }
    draw()
    await new Promise(requestAnimationFrame)
  }
  $('#herd-legend').innerHTML =
    `<i class="key" style="background:var(--line)"></i>a fixed wait: ${CLIENTS} in one second <i class="key" style="background:var(--accent)"></i>ours: ${Math.max(...ours)}`
}
