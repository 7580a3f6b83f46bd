/** Everything that an async iterable gives, in an array (`Array.fromAsync` is not in Node 20). */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of source) list.push(item)
  return list
}

/** A stream of just these chunks. */
export function streamOf<T>(...chunks: T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

export function bytesOf(...texts: string[]): ReadableStream<Uint8Array> {
  return streamOf(...texts.map((text) => new TextEncoder().encode(text)))
}
