/**
 * Who is found under a name. Most names have one: a set for each would cost 220 bytes, and a connection has a name of its
 * own, as a topic may have.
 */
export class IndexOf<Member extends object> {
  readonly #all = new Map<string, Member | Set<Member>>()

  get size(): number {
    return this.#all.size
  }

  get names(): Iterable<string> {
    return this.#all.keys()
  }

  /** All of a name; nothing where there are none. */
  get(name: string): Iterable<Member> | undefined {
    const found = this.#all.get(name)
    return found === undefined || found instanceof Set ? found : [found]
  }

  count(name: string): number {
    const found = this.#all.get(name)
    return found instanceof Set ? found.size : Number(found !== undefined)
  }

  /** How many each name has. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.names].map((name) => [name, this.count(name)]))
  }

  add(name: string, member: Member): void {
    const found = this.#all.get(name)
    if (found === undefined) this.#all.set(name, member)
    else if (found instanceof Set) found.add(member)
    else if (found !== member) this.#all.set(name, new Set([found, member]))
  }

  delete(name: string, member: Member): void {
    const found = this.#all.get(name)
    if (found === member) this.#all.delete(name)
    else if (found instanceof Set && found.delete(member) && found.size === 0) this.#all.delete(name)
  }
}
