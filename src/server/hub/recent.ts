import type { Delivery } from '../reader/delivery.ts'
import { PAGE, PAGE_TEXT, Page, textOf } from './page.ts'

/** How much text of what was delivered last is at hand without asking the log, and at least how many pages. */
const RECENT_TEXT = 1_048_576
const RECENT_PAGES = 4

/** What was delivered last: most who return were away for a moment. */
export class Recent {
  /** The oldest first, each going on where the one before ends. */
  #pages: Page[] = []
  #text = 0
  /** What does not fill a page yet. */
  #tail: Delivery[] = []
  #tailText = 0
  #tailPage: Page | undefined
  /** The newest offset that is here. */
  #end = Number.NaN

  add(delivery: Delivery): void {
    const { offset } = delivery.entry
    if (offset !== this.#end + 1) this.clear()
    this.#end = offset
    this.#tail.push(delivery)
    this.#tailText += textOf(delivery)
    this.#tailPage = undefined
    if (this.#tail.length >= PAGE || this.#tailText >= PAGE_TEXT) this.#turn()
  }

  /** A page with what comes after an offset, if all of that is here. */
  after(offset: number): Page | undefined {
    // Nothing is here yet, or nothing new.
    if (!(offset < this.#end)) return undefined
    const tailStart = this.#end - this.#tail.length
    if (offset >= tailStart) {
      this.#tailPage ??= new Page(tailStart, this.#end, this.#tail.slice(), this.#tailText)
      return this.#tailPage
    }
    for (let index = this.#pages.length - 1; index >= 0; index--) {
      const page = this.#pages[index] as Page
      if (page.start <= offset) return page
    }
    return undefined
  }

  clear(): void {
    this.#pages = []
    this.#text = 0
    this.#tail = []
    this.#tailText = 0
    this.#tailPage = undefined
    this.#end = Number.NaN
  }

  #turn(): void {
    this.#pages.push(new Page(this.#end - this.#tail.length, this.#end, this.#tail, this.#tailText))
    this.#text += this.#tailText
    this.#tail = []
    this.#tailText = 0
    while (this.#text > RECENT_TEXT || this.#pages.length > RECENT_PAGES) {
      const oldest = this.#pages.shift()
      if (!oldest) break
      this.#text -= oldest.text
    }
  }
}
