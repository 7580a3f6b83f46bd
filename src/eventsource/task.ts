let channel: MessageChannel | undefined
const waiting: (() => void)[] = []

/**
 * Resolves in a task of its own, which is what §9.2 means by "queue a task": whatever the promises of one listener lead
 * to is done before the next event comes. `setTimeout` is the last resort, because browsers stretch it to 4 ms and, in
 * hidden pages, to a second.
 */
export function task(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else if (typeof MessageChannel !== 'function') setTimeout(resolve)
    else {
      if (!channel) {
        channel = new MessageChannel()
        channel.port1.onmessage = () => waiting.shift()?.()
      }
      waiting.push(resolve)
      channel.port2.postMessage(null)
    }
  })
}
