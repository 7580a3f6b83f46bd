import type { Handle } from '../client/handle.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { Member } from './member.ts'
import { locator, openSource } from './source.ts'

/** A tab that lacks more than the others have kept reads that by itself, until it meets them. */
export class Catching {
  readonly #member: Member
  readonly #source: Handle
  #isOver = false

  constructor(member: Member) {
    const { receiver, shared } = member
    this.#member = member
    receiver.isHeld = true
    this.#source = openSource(shared, receiver.place.id, shared.key, {
      moved() {},
      opened() {},
      // The state is that of the connection that is shared.
      changed() {},
      trouble: (error) => shared.status.tell(error, error.delay),
      gap: (gap) => receiver.give({ ...receiver.place, gap }),
      ended: (end) => this.#isOver || receiver.give({ ...receiver.place, end }),
    })
    // How it ended is told as the end.
    this.#read().catch(() => {})
  }

  close(): void {
    this.#isOver = true
    this.#member.receiver.isHeld = false
    this.#source.close()
  }

  async #read() {
    const { receiver, shared, tail } = this.#member
    const locate = locator(shared, receiver.place.id)
    for await (const event of this.#source as unknown as AsyncIterable<ServerSentEvent>) {
      await receiver.room()
      if (this.#isOver) return
      const id = locate(event)
      receiver.give({ at: 0, id, event })
      const at = tail.find(undefined, id)
      if (at === undefined) continue
      this.close()
      receiver.goTo({ at, id })
      return void receiver.pump()
    }
  }
}
