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

/** What stands beside the entries: that the log is sealed, or that it will expire. */
export type Mark = 'sealed' | 'expires'

/** The entry of a stream, or a mark. Throws for what nobody of us has written. */
export function entryOf([id, fields]: RawEntry): Entry | Mark {
  const [, offset, mark] = /^(\d+)-(\d+)$/.exec(id) ?? []
  if (mark !== '0' && (fields[0] === 'sealed' || fields[0] === 'expires')) return fields[0]
  const [e, epoch, t, at, m, message, f, frame] = fields
  try {
    if (mark !== '0' || `${e}${t}${m}${f}` !== 'etmf') throw new TypeError('other fields')
    return {
      epoch: epoch as string,
      offset: Number(offset),
      at: Number(at),
      message: { frame, ...JSON.parse(message as string) },
    }
  } catch (cause) {
    throw new ForeignEntry(id, cause)
  }
}
