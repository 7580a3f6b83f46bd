import type { Handle } from '../client/handle.ts'
import { trace } from '../client/trace.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import type { RoleHome } from './role.ts'
import { openSource } from './source.ts'
import { type Mirror, toMirror } from './wire.ts'

/** A tab that lacks more than the others have kept reads that by itself, until it meets them. */
export class Catching {
  readonly #member: RoleHome
  readonly #source: Handle
  /** Of the events that wait for the loop. */
  readonly #ids: string[] = []
  #isOver = false

  constructor(member: RoleHome) {
    const { receiver, shared } = member
    this.#member = member
    receiver.isHeld = true
    trace(() => [shared.status, 'lacks more than the other tabs have: reads it by itself, until it meets them'])
    this.#source = openSource(shared, receiver.place.id, member.mirror, {
      opened() {},
      event: (_, id) => void this.#ids.push(id),
      moved: (id) => {
        // It may begin where the others are, without an event.
        if (this.#isOver || receiver.place.id) return
        receiver.goTo({ at: 0, id })
        this.look()
      },
      changed: (snapshot) => {
        if (!this.#isOver) receiver.show(toMirror(snapshot, member.mirror as Mirror), true)
      },
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

  /** Whether it is where the others are. */
  look(): void {
    const { receiver, tail } = this.#member
    const { id } = receiver.place
    const at = tail.find(undefined, id)
    if (this.#isOver || at === undefined) return
    this.close()
    receiver.goTo({ at, id })
    receiver.show(this.#member.mirror as Mirror)
    receiver.pump()
    receiver.move()
  }

  async #read() {
    const { receiver } = this.#member
    for await (const event of this.#source as unknown as AsyncIterable<ServerSentEvent>) {
      await receiver.room()
      if (this.#isOver) return
      receiver.give({ at: 0, id: this.#ids.shift() ?? '', event })
      this.look()
    }
  }
}
