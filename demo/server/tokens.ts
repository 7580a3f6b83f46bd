/** What a language model would do, without the model: an answer, one token at a time. */
import { setTimeout } from 'node:timers/promises'

export async function* answer(prompt: string, signal: AbortSignal): AsyncGenerator<string, void> {
  const about = prompt.trim().split(/\s+/).slice(0, 6).join(' ') || 'nothing in particular'
  const text = `You asked about “${about}”. Server-sent events suit an answer like this one: it is text, it comes in pieces, and it goes one way only. Reload this page now, or pull the network: the answer goes on where it is, and the question is not asked again, because a second question would be a second bill. Press stop, and the server stops it: nobody pays for tokens that nobody wants.`
  for (const token of text.split(/(?<=\s)/)) {
    await setTimeout(100, undefined, { signal })
    yield token
  }
}
