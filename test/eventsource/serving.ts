import { afterAll, afterEach, beforeAll } from 'vitest'
import { EventSource, type EventSourceInit } from '../../src/eventsource/index.ts'
import { type Answer, type Seen, serve } from '../runtimes/server.ts'

/** An answer that stays open. */
export const held = (...chunks: string[]): Answer => ({ chunks, ending: 'hang' })

/** Real HTTP for one test file: streams that answer by script, and sources that are closed after each test. */
export function serving() {
  let server: Awaited<ReturnType<typeof serve>>
  const undo: (() => void)[] = []
  beforeAll(async () => {
    server = await serve()
  })
  afterEach(() => {
    for (const each of undo.splice(0)) each()
  })
  afterAll(() => server.close())

  async function stream(answers: Answer[]) {
    const response = await fetch(`${server.url}/streams`, { method: 'POST', body: JSON.stringify(answers) })
    const { id } = (await response.json()) as { id: string }
    const url = `${server.url}/streams/${id}`
    return {
      url,
      elsewhere: url.replace('127.0.0.1', 'localhost'),
      path: `/streams/${id}`,
      seen: async (): Promise<Seen[]> => (await fetch(`${url}/seen`)).json() as Promise<Seen[]>,
    }
  }
  return {
    base: () => server.url,
    stream,
    /** Opens a stream of these answers. */
    async open(answers: Answer[], init?: EventSourceInit) {
      const made = await stream(answers)
      const source = new EventSource(made.url, init)
      undo.push(() => source.close())
      return { source, ...made }
    },
    after: (work: () => void) => void undo.push(work),
  }
}

/** The next event of a type. */
export function next<Fired extends Event = MessageEvent<string>>(source: EventSource, type: string): Promise<Fired> {
  return new Promise((resolve) => {
    source.addEventListener(type, (event) => resolve(event as unknown as Fired), { once: true })
  })
}

/** The data of the first messages. */
export function messages(source: EventSource, count: number): Promise<string[]> {
  return new Promise((resolve) => {
    const found: string[] = []
    source.addEventListener('message', ({ data }) => {
      if (found.push(data) === count) resolve(found)
    })
  })
}

export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
