/** Thirty seconds in which the page breaks itself, and says what is seen. */
import { $, say, sayLost } from './page.js'

/** What is pressed, what is said then, and for how long, in milliseconds. */
const STEPS = [
  [undefined, 'The server counts, four times a second. Two readers hear it; nothing is missing.', 3500],
  ['#fault-drop', 'The connection is dropped. It comes back, and asks for what came after the last number.', 4500],
  ['#fault-cut', 'Now it is cut inside an event: half of it came. It is sent again, as a whole.', 4500],
  ['#kill', 'One of two servers is killed. Who read from it goes on at the other one.', 5000],
  ['#fault-flood', 'Five thousand numbers at once.', 4000],
  [
    '#fault-expire',
    'The token has expired, a 401: a new one is asked for, and the stream goes on. EventSource gives up.',
    8500,
  ],
]

/** `figures` says what was sent and lost so far: `{ sent, lost, plain }`. */
export function showTour(figures) {
  setInterval(() => {
    const { sent, lost, plain } = figures()
    sayLost($('#hero-lost'), lost)
    say($('#hero-sent'), sent)
    say($('#hero-plain'), plain)
  }, 100)

  const button = $('#tour')
  button.addEventListener('click', async () => {
    button.disabled = true
    for (const [what, says, time] of STEPS) {
      const pressed = what && $(what)
      // Two servers are there only with Redis.
      if (pressed && !pressed.checkVisibility()) continue
      $('#tour-says').textContent = says
      pressed?.click()
      pressed?.classList.add('pressed')
      await new Promise((resolve) => setTimeout(resolve, time))
      pressed?.classList.remove('pressed')
    }
    const { sent, lost, plain } = figures()
    $('#tour-says').textContent =
      `That was all: ${sent.toLocaleString('en')} sent, ${lost} lost. The plain EventSource: ${plain}. Now break it yourself.`
    button.disabled = false
  })
}
