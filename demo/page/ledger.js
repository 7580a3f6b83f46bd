/** Who received what: the server numbers its events, so that lost and doubled are counted and not believed. */
export class Ledger {
  received = 0
  doubled = 0
  /** The numbers between the first and the last that have not come. */
  missing = new Set()
  /** How many a snapshot made good, after the server said that they were lost with its log. */
  told = 0
  first
  last

  take(n) {
    if (this.missing.delete(n)) this.received++
    else if (this.first !== undefined && n <= this.last) this.doubled++
    else {
      for (let i = (this.last ?? n - 1) + 1; i < n; i++) this.missing.add(i)
      this.first ??= n
      this.last = n
      this.received++
    }
  }

  /** The application's state up to a number: what came before it is no longer needed one by one. */
  snapshot(n) {
    if (this.last === undefined || n <= this.last) return
    this.told += n - this.last + this.missing.size
    this.missing.clear()
    this.last = n
  }

  get lost() {
    return this.missing.size
  }
}
