import type { Asked, Place } from './entry.ts'
import type { Role, RoleHome } from './role.ts'
import { fromTrouble, type Mirror, type Sent } from './wire.ts'

type Of<Kind extends Sent['kind']> = Extract<Sent, { kind: Kind }>

/** A tab that is told what came, and looks whether the leader is still there. */
export class Follower implements Role {
  readonly #member: RoleHome
  readonly #timer: ReturnType<typeof setInterval>
  #heardAt = performance.now()
  #pingedAt = 0
  /** What it has asked for, and which of its questions that was. */
  #asked: Asked | undefined
  #number = 0
  /** The ids of what it has had after the end of its tail, more than its leader. */
  #had: string[] = []

  constructor(member: RoleHome) {
    this.#member = member
    // Each at its own pace: whoever asks first asks for all.
    this.#timer = setInterval(() => this.#look(), member.heartbeat * (0.3 + Math.random() / 5))
    this.#join()
  }

  hear(message: Sent): void {
    if (message.kind === 'lead') this.#heardAt = performance.now()
    if (!('term' in message) || message.kind === 'here' || message.term < this.#member.term) return
    this.#heardAt = performance.now()
    this.#member.isLed = true
    if (message.kind === 'welcome') this.#enter(message)
    else if (message.kind === 'beat') this.#meet(message)
    else if (message.term > this.#member.term) {
      // Another leads, and has said so before we could hear it.
      if (!this.#asked) this.#join()
    } else if (message.kind === 'trouble') {
      const error = fromTrouble(message.error)
      if (error) this.#member.shared.status.tell(error, error.delay)
    } else this.#take(message)
  }

  again(): void {
    this.#member.channel.post({ kind: 'again' })
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Says where it stands, to be given what it lacks. What comes before the answer is in it. */
  #join() {
    const { channel, isWhole } = this.#member
    const asked = this.#member.ask()
    this.#asked = asked
    channel.post({ kind: 'join', number: ++this.#number, isWhole, ...asked })
  }

  #enter({ number, term, mirror, ...given }: Of<'welcome'>) {
    const asked = this.#asked
    if (!asked || number !== this.#number) return
    this.#asked = undefined
    this.#member.term = term
    this.#show(mirror)
    if (!given.entries && this.#goBack(given)) return this.#member.goOn()
    this.#had = []
    this.#member.take(given, asked)
  }

  #show(mirror: Mirror) {
    this.#member.mirror = mirror
    this.#member.mirroredAt = performance.now()
    this.#member.receiver.show(mirror)
  }

  #meet({ term, mirror, at, id }: Of<'beat'>) {
    const { tail, receiver } = this.#member
    const isNew = term > this.#member.term
    const { last } = tail
    // It is not open before it is told what comes.
    if (this.#member.hasJoined) this.#show(mirror)
    if (isNew && this.#member.hasJoined) {
      this.#member.term = term
      this.#asked = undefined
      this.#member.goOn()
      // What it lacks it has from elsewhere, until that is here.
      if (receiver.isHeld) return this.#member.take({ at, id, entries: undefined }, this.#member.ask())
      if (last.at === at && last.id === id) return
      if (last.at <= at || !this.#goBack({ at, id })) this.#join()
    } else if (isNew) this.#join()
    else if (this.#asked) return
    else if (at > last.at) this.#join()
    else this.#move(id)
  }

  /** It has had more than the leader it has now, which will be told the same again: one that slept wakes up with all that its connection has kept for it. */
  #goBack({ at, id }: Place): boolean {
    const { tail, receiver } = this.#member
    const { place } = receiver
    const own = id ? tail.find(at, id) : undefined
    if (own === undefined || receiver.isHeld || (own !== at && place.at < tail.last.at)) return false
    const had = tail.after(own).filter((entry) => entry.at <= place.at)
    this.#had.unshift(...had.map((entry) => entry.id))
    if (own === at) tail.cut({ at, id })
    else tail.reset({ at, id })
    if (place.at > own || own !== at) receiver.goTo({ at, id: place.id })
    return true
  }

  #take({ entries, id }: Of<'news'>) {
    if (this.#asked) return
    const { tail, receiver } = this.#member
    for (const entry of entries) {
      if (entry.at <= tail.last.at) continue
      if (entry.at > tail.last.at + 1) return this.#join()
      const had = this.#had.shift()
      if (had && had === entry.id) {
        tail.push(entry)
        receiver.goTo(entry)
      } else {
        this.#had = []
        this.#member.push(entry)
      }
    }
    this.#move(id)
  }

  #move(id: string) {
    const { tail, receiver } = this.#member
    receiver.pump()
    // It is further than its leader.
    if (this.#had.length > 0) return
    tail.move(id)
    receiver.move()
  }

  /** One that says nothing is asked; one that does not answer is replaced: it is frozen. */
  #look() {
    const now = performance.now()
    const { heartbeat, channel, lock } = this.#member
    if (this.#pingedAt > this.#heardAt) {
      this.#heardAt = now
      lock.request(true)
    } else if (now - this.#heardAt >= heartbeat) {
      this.#pingedAt = now
      channel.post({ kind: 'ping' })
    }
  }
}
