import { sizeOf } from './bytes.ts'

/** How much of one turn is kept to be written at its end, in bytes. */
export const EARLY = 65_536

/** What was sent to one reader in one turn: encoded at once, written at once, and waited for with one promise. */
export class Bundle {
  text = ''
  /** In bytes. */
  size = 0
  /** Settles when its bytes have left, or cannot. Nobody has to look. */
  readonly left: Promise<void>
  sent = (): void => {}
  failed: (error: Error) => void = () => {}

  constructor() {
    this.left = new Promise((resolve, reject) => {
      this.sent = resolve
      this.failed = reject
    })
    this.left.catch(() => {})
  }

  add(text: string): void {
    this.text += text
    this.size += sizeOf(text)
  }
}
