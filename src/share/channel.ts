import { isMessage, type Message, type Sent, VERSION } from './wire.ts'

/** What the tabs that share a connection tell each other. */
export class Channel {
  /** What this tab is called; a connection that has left and comes again is another one. */
  readonly from = Math.random().toString(36).slice(2)
  readonly #channel: BroadcastChannel
  #isClosed = false

  /** `hear` is given what is said to all, or to this tab. */
  constructor(name: string, hear: (message: Sent) => void) {
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = ({ data }: { data: unknown }) => {
      if (isMessage(data) && (!('to' in data) || data.to === this.from)) hear(data)
    }
  }

  post(message: Message): void {
    // Whoever waited for something may come too late.
    if (!this.#isClosed) this.#channel.postMessage({ version: VERSION, from: this.from, ...message } satisfies Sent)
  }

  close(): void {
    this.#isClosed = true
    this.#channel.close()
  }
}
