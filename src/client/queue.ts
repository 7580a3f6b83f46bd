/** Events on their way to one `for await`. */
export interface Queue<T> {
  readonly items: T[]
  /** Whether no more will come. */
  over: boolean
  /** Wakes the consumer, to look again. */
  wake(): void
}

/** Hands out the items as they come, until it is over. */
export async function* drain<T>(queue: Queue<T>, onTake: () => void): AsyncGenerator<Awaited<T>, void> {
  for (;;) {
    while (queue.items.length) {
      const item = queue.items.shift() as T
      onTake()
      yield item
    }
    if (queue.over) return
    await new Promise<void>((resolve) => {
      queue.wake = resolve
    })
  }
}

/** No more will come; what waits is still handed out, unless it is discarded. */
export function end(queue: Queue<unknown>, discard: boolean): void {
  if (discard) queue.items.length = 0
  queue.over = true
  queue.wake()
}
