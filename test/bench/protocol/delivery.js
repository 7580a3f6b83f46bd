/**
 * From a body to the consumer's hands: what each way to hand events over costs, per event. Most of it is not parsing.
 * All read the same kind of body; the plain ways are written out here, over our parser, as one would by hand.
 */
import { check } from './check.js'
import { consumer, median, ratios, rounds } from './measure.js'
import { figure, table } from './table.js'
import { makeWorkload } from './workloads.js'

const bodies = ['llm: one event a chunk', 'llm: 64 KiB chunks']
/** The others are given as multiples of this one's cost. */
const yardstick = 'hand-written iterator'

function body(chunks) {
  let next = 0
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++])
      else controller.close()
    },
  })
}

/** What a fetch would have answered. */
function response(chunks) {
  return new Response(body(chunks), { headers: { 'content-type': 'text/event-stream' } })
}

/** Nothing is awaited for an event that is there already but the loop's own `await`. */
function handWritten(createParser, stream) {
  const reader = stream.getReader()
  const queue = []
  let next = 0
  const parser = createParser({ onEvent: (event) => queue.push(event) })
  async function read() {
    queue.length = 0
    next = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { done: true, value: undefined }
      parser.push(value)
      if (queue.length > 0) return { done: false, value: queue[next++] }
    }
  }
  return {
    next: () => (next < queue.length ? Promise.resolve({ done: false, value: queue[next++] }) : read()),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* generated(createParser, stream) {
  const reader = stream.getReader()
  let queue = []
  const parser = createParser({ onEvent: (event) => queue.push(event) })
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    parser.push(value)
    const ready = queue
    queue = []
    yield* ready
  }
}

function transformed(createParser, stream) {
  let parser
  return stream.pipeThrough(
    new TransformStream({
      start(controller) {
        parser = createParser({ onEvent: (event) => controller.enqueue(event) })
      },
      transform: (chunk) => parser.push(chunk),
    }),
  )
}

async function drain(events, take) {
  for await (const event of events) take(event.type ?? event.event ?? 'message', event.data, event.id)
}

function plainWays(createParser) {
  return {
    'reading the body alone': {
      floor: true,
      async bytes(chunks) {
        const reader = body(chunks).getReader()
        while (!(await reader.read()).done);
      },
    },
    callback: {
      async bytes(chunks, take) {
        const parser = createParser({ onEvent: ({ type, data, id }) => take(type, data, id) })
        const reader = body(chunks).getReader()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return
          parser.push(value)
        }
      },
    },
    [yardstick]: { bytes: (chunks, take) => drain(handWritten(createParser, body(chunks)), take) },
    'async generator': { bytes: (chunks, take) => drain(generated(createParser, body(chunks)), take) },
    TransformStream: { bytes: (chunks, take) => drain(transformed(createParser, body(chunks)), take) },
  }
}

function ours(name, { events, EventDecoderStream }) {
  return {
    ...(events && { [`${name} events()`]: { bytes: (chunks, take) => drain(events(response(chunks)), take) } }),
    ...(EventDecoderStream && {
      [`${name} EventDecoderStream`]: {
        bytes: (chunks, take) => drain(body(chunks).pipeThrough(new EventDecoderStream()), take),
      },
    }),
  }
}

async function peers() {
  const { EventSourceParserStream } = await import('eventsource-parser/stream')
  const { _iterSSEMessages } = await import('openai/core/streaming')
  const { events } = await import('fetch-event-stream')
  return {
    'eventsource-parser/stream': {
      bytes: (chunks, take) =>
        drain(body(chunks).pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()), take),
    },
    // Without the JSON.parse that openai's Stream adds to it.
    openai: {
      async bytes(chunks, take) {
        for await (const { event, data } of _iterSSEMessages(response(chunks), new AbortController()))
          take(event ?? 'message', data)
      },
    },
    'fetch-event-stream': { bytes: (chunks, take) => drain(events(response(chunks)), take) },
  }
}

/** Every way to iterate over a whole body, by name. */
export async function loadWays({ only, src }) {
  const unmissed = only('unmissed') ? await import('unmissed') : undefined
  const found = { ...(unmissed && ours('unmissed', unmissed)), ...(src && ours('src', src)), ...(await peers()) }
  const chosen = Object.entries(found).filter(([name]) => name.startsWith('src ') || only(name.split(' ')[0]))
  return {
    plain: plainWays((unmissed ?? src ?? (await import('unmissed'))).createParser),
    chosen: Object.fromEntries(chosen),
  }
}

export async function measure({ only, workloads, scale, count, sample, src }) {
  const { plain, chosen } = await loadWays({ only, src })
  const ways = Object.entries({ ...plain, ...chosen }).map(([name, way]) => ({ name, ...way }))
  const rows = []
  for (const name of bodies.filter(workloads)) {
    const workload = makeWorkload(name, scale)
    const failures = {}
    for (const way of ways) failures[way.name] = way.floor ? undefined : await check(way, workload)
    const tasks = ways
      .filter(({ name }) => !failures[name])
      .map(({ name, bytes }) => ({ name, run: () => bytes(workload.bytes, consumer().take) }))
    const costs = await rounds(tasks, { count, sample })
    const row = { workload: name, events: workload.events.length, ways: {} }
    for (const { name } of ways) {
      row.ways[name] = failures[name]
        ? { failure: failures[name] }
        : {
            nanoseconds: median(costs[name]) / workload.events.length,
            ratio: median(ratios(costs[name], costs[yardstick])),
          }
    }
    rows.push(row)
  }
  return rows
}

export function show(rows) {
  for (const { workload, ways } of rows) {
    const line = table(`Delivery, ${workload}: ns an event, and as a multiple of the ${yardstick}'s cost`, [
      'ns',
      '×',
      'over processes',
    ])
    for (const [name, { nanoseconds, ratio, range, failure }] of Object.entries(ways)) {
      if (failure) line(`${name} n/a: ${failure}`)
      else line(name, [figure(nanoseconds), figure(ratio), range.map(figure).join('-')])
    }
  }
}
