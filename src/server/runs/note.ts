import type { Entry, Message } from '../../log/log.ts'
import { encode } from '../../protocol/encode.ts'
import type { Outcome } from '../../protocol/outcome.ts'

/** What the processes tell each other of runs, in one log of its own. `life` is one run under an id that may be begun again. */
export type Note = Start | End | Take | Stop

interface OfRun {
  readonly id: string
  readonly life: string
}

export interface Start extends OfRun {
  readonly kind: 'start'
  readonly by: string
  readonly at: number
  readonly owner?: string | undefined
}

export interface End extends OfRun {
  readonly kind: 'end'
  readonly state: Outcome['state']
  readonly at: number
  readonly code?: string | undefined
}

/** Another process goes on with it. */
interface Take extends OfRun {
  readonly kind: 'take'
  readonly by: string
}

/** Whoever produces it is to stop. */
interface Stop extends OfRun {
  readonly kind: 'stop'
  readonly reason?: string | undefined
}

export function toMessage(note: Note): Message {
  return { frame: encode({ data: note }), type: 'message', json: true }
}

/** The note of an entry; nothing where another program has written it. */
export function fromEntry({ message }: Entry): Note | undefined {
  try {
    const note = JSON.parse(/^data: (.*)$/m.exec(message.frame)?.[1] ?? 'null')
    return typeof note?.id === 'string' && typeof note.life === 'string' ? note : undefined
  } catch {
    return undefined
  }
}
