import type { ServerSentEvent } from '../../../src/protocol/event.ts'
import { createParser } from '../../../src/protocol/parser.ts'
import type { Hub, Subscriber, Subscription } from '../../../src/server/index.ts'
import { after, until } from '../serve.ts'

export interface WebReader {
  readonly status: number
  /** The id before the first event that will come. */
  readonly begins: string | null
  readonly events: readonly ServerSentEvent[]
  /** The id that it would resume after. */
  readonly id: string
  readonly subscriber: Subscriber
  readonly ended: boolean
  /** Takes nothing until `resume`: what the stream has no room for stays with the hub. */
  pause(): void
  resume(): void
  until(condition: (events: readonly ServerSentEvent[]) => boolean): Promise<void>
  /** Settles when the body is over. */
  readonly over: Promise<void>
  cut(): Promise<void>
}

let paths = 0

/** A reader of a web response, which can be stopped between two chunks: nothing is hidden in a kernel. */
export async function webReader(
  hub: Hub,
  { lastEventId = '', subscription = {} }: { lastEventId?: string; subscription?: Subscription } = {},
): Promise<WebReader> {
  const events: ServerSentEvent[] = []
  let id = lastEventId
  let isOver = false
  let wake: (() => void) | undefined
  let isPaused = false
  const before = new Set(hub.subscribers())
  const response = await hub.fetch(
    new Request(`http://a/${paths++}`, lastEventId ? { headers: { 'last-event-id': lastEventId } } : {}),
    subscription,
  )
  const [subscriber] = [...hub.subscribers()].filter((one) => !before.has(one))
  const body = (response.body as ReadableStream<Uint8Array>).getReader()
  const parser = createParser({
    lastEventId,
    onEvent: (event) => events.push(event),
    onId: (next) => {
      id = next
    },
  })
  const over = (async () => {
    for (;;) {
      while (isPaused) await new Promise<void>((resolve) => (wake = resolve))
      const { done, value } = await body.read()
      if (done) return
      parser.push(value)
    }
  })()
    .catch(() => {})
    .finally(() => {
      isOver = true
    })
  const resume = () => {
    isPaused = false
    wake?.()
  }
  const cut = async () => {
    await body.cancel().catch(() => {})
    resume()
    await over
  }
  after(cut)
  return {
    status: response.status,
    begins: response.headers.get('last-event-id'),
    events,
    get id() {
      return id
    },
    subscriber: subscriber as Subscriber,
    get ended() {
      return isOver
    },
    pause() {
      isPaused = true
    },
    resume,
    until: (condition) => until(() => condition(events)),
    over,
    cut,
  }
}
