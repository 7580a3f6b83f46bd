import type { Entry, Message } from '../log/log.ts'
import { UnmissedError } from '../protocol/errors.ts'

/** What Redis answers for one entry of a stream: its id, and names and values by turns. */
export type RawEntry = readonly [id: string, fields: readonly string[]]

/** An entry that nobody of us has written. */
export class ForeignEntry extends UnmissedError<'foreign-entry'> {
  /** The first part of its id. */
  readonly offset: number

  constructor(id: string, cause: unknown) {
    super('foreign-entry', `the entry ${id} is not of a log: another program writes to its stream`, { cause })
    this.offset = Number.parseInt(id, 10)
  }
}

/** A message as it is stored: what filters need, and the frame beside it as it is. */
export function stored({ frame, ...rest }: Message): readonly [message: string, frame: string] {
  return [JSON.stringify(rest), frame]
}

/** What filters need is the same for most: it is read once. */
let lastText = ''
let lastRead: Partial<Message> = {}

/** What stands beside the entries: that the log is sealed, or that it will expire. */
export type Mark = 'sealed' | 'expires'

/** The entry of a stream, or a mark. Throws for what nobody of us has written. */
export function entryOf([id, fields]: RawEntry): Entry | Mark {
  const isEntry = id.endsWith('-0')
  const [kind, text = '', f, frame] = fields
  if (!isEntry && (kind === 'sealed' || kind === 'expires')) return kind
  try {
    if (!isEntry || kind !== 'm' || f !== 'f') throw new TypeError('other fields')
    const second = text.indexOf(' ')
    const third = text.indexOf(' ', second + 1)
    const rest = text.slice(third + 1)
    if (rest !== lastText) {
      lastRead = JSON.parse(rest)
      lastText = rest
    }
    return {
      epoch: text.slice(0, second),
      offset: Number(id.slice(0, -2)),
      at: Number(text.slice(second + 1, third)),
      message: { frame: frame as string, ...(lastRead as Omit<Message, 'frame'>) },
    }
  } catch (cause) {
    throw new ForeignEntry(id, cause)
  }
}
