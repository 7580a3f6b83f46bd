import type { Connection } from '../client/connect.ts'
import { painter } from './print.ts'
import { line, quoted } from './visible.ts'

/** What there was so far. */
export interface Tally {
  events: number
  bytes: number
  attempts: number
  readonly since: number
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit ? value.toFixed(1) : value} ${UNITS[unit]}`
}

/** The line of `--stats`. */
export function summary({ events, bytes, attempts, since }: Tally, lastId: string): string {
  const seconds = Math.max((Date.now() - since) / 1000, 0.001)
  const rate = (events / seconds).toFixed(1)
  return `${events} events, ${size(bytes)}, ${seconds.toFixed(1)} s, ${rate} events/s, ${attempts} attempts, last id ${quoted(lastId)}\n`
}

/** The most of an id that a status line shows, in characters. */
const LONGEST_ID = 16

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text)

/** One line on the terminal that is always the last one: state, events, rate, bytes, last id, next attempt. */
export function statusLine(connection: Connection, tally: Tally, stream: NodeJS.WriteStream) {
  const paint = painter(stream)
  const lights = { connecting: 33, open: 32, waiting: 33, paused: 2, closed: 31 }
  let changedAt = Date.now()
  let before = { at: Date.now(), events: 0 }
  let rate = 0
  let shown = false
  const undo = connection.subscribe(() => {
    changedAt = Date.now()
    draw()
  })
  const timer = setInterval(draw, 250)
  timer.unref()

  function draw() {
    const { state, delay, error, lastEventId, attempt } = connection.snapshot
    const now = Date.now()
    if (now - before.at >= 1000) {
      rate = ((tally.events - before.events) * 1000) / (now - before.at)
      before = { at: now, events: tally.events }
    }
    const parts = [
      state,
      `${tally.events} events`,
      `${rate.toFixed(rate < 10 ? 1 : 0)}/s`,
      size(tally.bytes),
      lastEventId && `id ${cut(line(lastEventId), LONGEST_ID)}`,
      delay !== undefined && `attempt ${attempt + 1} in ${(Math.max(0, changedAt + delay - now) / 1000).toFixed(1)} s`,
      error && line(error.message),
    ]
    // A line that is wrapped could not be taken back.
    const text = cut(`● ${parts.filter(Boolean).join(' · ')}`, (stream.columns || 80) - 1)
    clear()
    stream.write(text.replace('●', paint(lights[state], '●')))
    shown = true
  }

  function clear() {
    if (shown) stream.write('\r\x1b[2K')
    shown = false
  }

  return {
    /** Makes room for a line of output. */
    clear,
    close() {
      clearInterval(timer)
      undo()
      clear()
    },
  }
}
