import type { ServerSentEvent } from '../../protocol/event.ts'

/** From this length on V8 cuts a string out of another by pointing into it, which keeps all of the other in memory. */
const POINTS = 13

/** A string that keeps nothing but itself in memory, where it may have been cut from a chunk of megabytes. */
export const lastingText = (text: string): string => (text.length < POINTS ? text : ` ${text}`.slice(1))

/** An event that can be kept for long. */
export const lasting = <Data>({ type, data, id }: ServerSentEvent<string, Data>): ServerSentEvent<string, Data> => ({
  type: lastingText(type),
  data: typeof data === 'string' ? (lastingText(data) as Data) : data,
  id: lastingText(id),
})
