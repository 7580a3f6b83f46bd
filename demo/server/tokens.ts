/** What a language model would do, without the model: an answer, one token at a time. */
import { setTimeout } from 'node:timers/promises'

export async function* answer(prompt: string, signal: AbortSignal): AsyncGenerator<string, void> {
  const about = prompt.trim().split(/\s+/).slice(0, 6).join(' ') || 'nothing in particular'
  const text = `You asked about “${about}”. Server-sent events suit an answer like this one: it is text, it comes in pieces, and it goes one way only. Press stop, and the server notices at once: the request is cancelled, and nobody pays for tokens that nobody reads. A stream that began with a POST is not sent a second time by itself, because a second question would be a second bill.`
  for (const token of text.split(/(?<=\s)/)) {
    await setTimeout(35, undefined, { signal })
    yield token
  }
}
