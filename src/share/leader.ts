import { later } from '../client/delay.ts'
import { ConnectError } from '../client/errors.ts'
import type { Handle } from '../client/handle.ts'
import type { Gap, Snapshot } from '../client/options.ts'
import { mayRepeat } from '../client/requests.ts'
import type { ServerSentEvent } from '../protocol/event.ts'
import { Census } from './census.ts'
import type { End, Entry } from './entry.ts'
import { News } from './news.ts'
import type { Role, RoleHome } from './role.ts'
import { openSource, type SourceHome } from './source.ts'
import { type Mirror, type Sent, toMirror, toTrouble } from './wire.ts'

/** The tab that has the connection: reads it for all, and tells them what came. */
export class Leader implements Role, SourceHome {
  readonly #member: RoleHome
  readonly #census: Census
  #isRun = false
  #isStarted = false
  #isClosed = false
  #source: Handle | undefined
  #stopWaiting: (() => void) | undefined
  readonly #news: News

  constructor(member: RoleHome) {
    this.#member = member
    this.#census = new Census(member)
    this.#news = new News(member)
  }

  /** Asks what the others have, and goes on after the newest of it. */
  async start(): Promise<void> {
    const member = this.#member
    const { shared, control } = member
    const asked = member.ask()
    const { newest, term } = await this.#census.take(asked)
    if (this.#isClosed) return
    const isFirst = !member.isLed && !newest
    // A number between two others: nobody else has the same.
    member.term = Math.floor(Math.max(member.term, term)) + 1 + Math.random()
    if (newest) member.mirror = newest.mirror
    // What waits here for a slow loop is ours already.
    const isBehind = !member.hasJoined || (newest?.at ?? 0) > member.tail.last.at
    if (newest && isBehind) member.take(newest, asked)
    else member.begin()
    const { isRun = false, key = shared.key, retry, delay } = member.mirror ?? {}
    this.#isRun = isRun
    // What the one before was waiting for is waited for by whoever comes.
    const left = (delay ?? 0) - (performance.now() - member.mirroredAt)
    member.mirror = toMirror(shared.status.snapshot, { location: shared.cursors.resource?.href, isRun, key, retry })
    this.#isStarted = true
    this.#beat()
    if (!isFirst && !mayRepeat(shared)) {
      const text = 'the tab that read it has gone, and it may not be sent twice'
      control.fail(new ConnectError('ended', text, false, shared))
    } else if (left > 0 && !isFirst) this.#stopWaiting = later(left, () => this.#open(), shared.options.unref)
    else this.#open()
  }

  #open() {
    const { shared, tail, mirror } = this.#member
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    this.#source = openSource(shared, tail.last.id, mirror, this)
  }

  hear(message: Sent): void {
    const { channel, tail } = this.#member
    if (message.kind === 'here') this.#census.hear(message)
    else if (!this.#isStarted) return
    else if (message.kind === 'join') {
      this.#news.flush()
      const isWhole = message.isWhole || this.#isRun
      const entries = tail.since(message, isWhole)
      channel.post({ kind: 'welcome', to: message.from, number: message.number, entries, isWhole, ...this.#standing })
    } else if (message.kind === 'ping') this.#beat()
    else if (message.kind === 'again') this.again()
    // Somebody has taken the lock, and this tab has not heard of it yet.
    else if ('term' in message && message.term > this.#member.term) this.#member.follow()
  }

  again(): void {
    if (this.#stopWaiting) this.#open()
    else this.#source?.reconnect()
  }

  /** Ends it for this tab; another one goes on. */
  close(): void {
    if (this.#isClosed) return
    this.#news.flush()
    this.#isClosed = true
    this.#stopWaiting?.()
    this.#source?.close()
  }

  // What the connection brings.

  event(event: ServerSentEvent, id: string): void {
    this.#push({ id, event })
  }

  moved(id: string): void {
    if (this.#isClosed) return
    this.#member.tail.move(id)
    this.#member.receiver.move()
    this.#news.tell()
    const { mirror } = this.#member
    const retry = this.#source?.retry
    if (!mirror || retry === mirror.retry) return
    this.#member.mirror = { ...mirror, retry }
    this.#beat()
  }

  gap(gap: Gap): void {
    this.#push({ id: this.#member.tail.last.id, gap })
  }

  opened(isRun: boolean): void {
    this.#isRun = isRun
  }

  changed(snapshot: Snapshot): void {
    const { key, location, retry } = this.#member.mirror as Mirror
    if (this.#isClosed || snapshot.state === 'closed' || snapshot.state === 'paused') return
    const now = { location: this.#source?.location ?? location, retry: this.#source?.retry ?? retry }
    this.#member.mirror = toMirror(snapshot, { key, isRun: this.#isRun, ...now })
    this.#member.receiver.show(this.#member.mirror)
    this.#beat()
  }

  trouble(error: ConnectError): void {
    if (this.#isClosed) return
    this.#news.flush()
    this.#member.channel.post({ kind: 'trouble', term: this.#member.term, error: toTrouble(error) })
    this.#member.shared.status.tell(error, error.delay)
  }

  ended(end: End): void {
    if (this.#isClosed) return
    this.#push({ id: this.#member.tail.last.id, end })
    this.#news.flush()
  }

  #push(entry: Omit<Entry, 'at'>) {
    if (this.#isClosed) return
    const numbered: Entry = { at: this.#member.tail.last.at + 1, ...entry }
    this.#news.tell(numbered)
    this.#member.push(numbered)
  }

  get #standing() {
    const { at, id } = this.#member.tail.last
    return { term: this.#member.term, at, id, mirror: this.#member.mirror as Mirror }
  }

  #beat() {
    this.#news.flush()
    this.#member.channel.post({ kind: 'beat', ...this.#standing })
  }
}
