/** One chunk on its way: bytes, text, events, listeners. */
import { createParser } from 'unmissed'
import { chunks, connection } from './feed.js'
import { $ } from './page.js'

/** How much of a chunk is shown. */
const SHOWN = 160

export function showPath() {
  let decoder = new TextDecoder()
  let parser = createParser({ onEvent: show })
  // A parser lives as long as one body.
  connection.subscribe(({ state }) => {
    if (state !== 'connecting') return
    decoder = new TextDecoder()
    parser = createParser({ onEvent: show })
  })
  chunks.addEventListener('chunk', ({ detail: bytes }) => {
    $('#bytes').textContent = [...bytes.subarray(0, SHOWN)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = decoder.decode(bytes, { stream: true })
    $('#text').textContent = text.slice(0, SHOWN).replaceAll('\n', '⏎\n')
    parser.push(text)
  })
  connection.on((event) => {
    $('#heard').textContent = `on('${event.type}') ← ${JSON.stringify(event.data)}`.slice(0, SHOWN)
  })

  function show(event) {
    $('#event').textContent = JSON.stringify(event, null, 1).slice(0, SHOWN)
  }
}
