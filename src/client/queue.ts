/** Events between the connection, which pushes, and one `for await`, which pulls. */
export interface Queue<T> extends AsyncIterableIterator<T> {
  push(item: T): void
  /** No more will come: the iteration ends, or throws, after what is queued; at once where that is discarded. */
  end(error?: unknown, discard?: boolean): void
  /** Resolves when there is room again; `undefined` where there is. */
  full(): Promise<void> | undefined
  return(): Promise<IteratorResult<T>>
}

/** `onReturn` is called when the consumer leaves its loop. */
export function createQueue<T>(highWaterMark: number, onReturn: () => void): Queue<T> {
  const items: T[] = []
  const waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = []
  const over = { done: true, value: undefined } as const
  let ended = false
  let failure: unknown
  let room: (() => void) | undefined
  let filled: Promise<void> | undefined

  function drained() {
    if (items.length >= highWaterMark) return
    room?.()
    room = filled = undefined
  }
  const queue: Queue<T> = {
    push(item) {
      if (ended) return
      const next = waiting.shift()
      if (next) next.resolve({ done: false, value: item })
      else items.push(item)
    },
    end(error, discard) {
      if (ended) return
      if (discard) items.length = 0
      ended = true
      failure = error
      room?.()
      for (const { resolve, reject } of waiting.splice(0)) {
        // Only the first learns of the failure: it is one event, not one per question.
        if (failure === undefined) resolve(over)
        else reject(failure)
        failure = undefined
      }
    },
    full() {
      if (ended || items.length < highWaterMark) return undefined
      filled ??= new Promise((resolve) => {
        room = resolve
      })
      return filled
    },
    next() {
      if (items.length) {
        const value = items.shift() as T
        drained()
        return Promise.resolve({ done: false, value })
      }
      if (failure !== undefined) {
        const error = failure
        failure = undefined
        return Promise.reject(error)
      }
      if (ended) return Promise.resolve(over)
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
      })
    },
    return() {
      failure = undefined
      queue.end(undefined, true)
      items.length = 0
      drained()
      onReturn()
      return Promise.resolve(over)
    },
    [Symbol.asyncIterator]: () => queue,
  }
  return queue
}
