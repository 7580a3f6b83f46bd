interface Item<Value> {
  readonly value: Value
  at: number
}

/** What comes due, the next one first. Adding and taking out cost the logarithm of how many there are. */
export class Heap<Value> {
  #items: Item<Value>[] = []
  readonly #places = new Map<Value, number>()

  /** When the next one is due. */
  get first(): number | undefined {
    return this.#items[0]?.at
  }

  add(value: Value, at: number): void {
    this.delete(value)
    this.#items.push({ value, at })
    this.#rise(this.#items.length - 1)
  }

  /** Takes the next one that is due by then. */
  takeUntil(at: number): Value | undefined {
    const [first] = this.#items
    if (!first || first.at > at) return undefined
    this.delete(first.value)
    return first.value
  }

  delete(value: Value): void {
    const place = this.#places.get(value)
    if (place === undefined) return
    this.#places.delete(value)
    const last = this.#items.pop() as Item<Value>
    if (place === this.#items.length) return
    this.#put(place, last)
    this.#sink(place)
    this.#rise(place)
  }

  /** Reckons anew when each is due. */
  rebuild(reckon: (value: Value) => number): void {
    const values = this.#items.map(({ value }) => value)
    this.#items = []
    this.#places.clear()
    for (const value of values) this.add(value, reckon(value))
  }

  #put(place: number, item: Item<Value>): void {
    this.#items[place] = item
    this.#places.set(item.value, place)
  }

  #rise(from: number): void {
    let place = from
    const item = this.#items[place] as Item<Value>
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#items[above] as Item<Value>
      if (parent.at <= item.at) break
      this.#put(place, parent)
      place = above
    }
    this.#put(place, item)
  }

  #sink(from: number): void {
    let place = from
    const item = this.#items[place] as Item<Value>
    for (;;) {
      let below = 2 * place + 1
      const left = this.#items[below]
      const right = this.#items[below + 1]
      if (!left) break
      if (right && right.at < left.at) below++
      const child = this.#items[below] as Item<Value>
      if (child.at >= item.at) break
      this.#put(place, child)
      place = below
    }
    this.#put(place, item)
  }
}
