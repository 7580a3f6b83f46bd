// Web Locks for engines that have none (Node 20), as far as they are needed: one holder, a line, stealing, and the list.

interface Asked {
  readonly name: string
  readonly run: (lock: object) => unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

const gone = () => new DOMException('the lock is another’s', 'AbortError')

export class Locks {
  readonly #held = new Map<string, Asked>()
  #line: Asked[] = []
  /** What the browser would say of a page that may have none. */
  refusal: Error | undefined

  request(name: string, options: { signal?: AbortSignal; steal?: boolean }, run: (lock: object) => unknown) {
    return new Promise((resolve, reject) => {
      if (this.refusal) return reject(this.refusal)
      const asked: Asked = { name, run, resolve, reject }
      const { signal, steal } = options
      if (steal) {
        this.#held.get(name)?.reject(gone())
        this.#held.delete(name)
        this.#grant(asked)
        return
      }
      this.#line.push(asked)
      signal?.addEventListener('abort', () => {
        if (!this.#line.includes(asked)) return
        this.#line = this.#line.filter((other) => other !== asked)
        reject(signal.reason)
      })
      this.#next(name)
    })
  }

  async query() {
    return {
      held: [...this.#held.values()].map(({ name }) => ({ name })),
      pending: this.#line.map(({ name }) => ({ name })),
    }
  }

  #next(name: string) {
    if (this.#held.has(name)) return
    const asked = this.#line.find((other) => other.name === name)
    if (!asked) return
    this.#line = this.#line.filter((other) => other !== asked)
    this.#grant(asked)
  }

  #grant(asked: Asked) {
    const { name } = asked
    this.#held.set(name, asked)
    setTimeout(async () => {
      try {
        asked.resolve(await asked.run({ name }))
      } catch (error) {
        asked.reject(error)
      }
      if (this.#held.get(name) !== asked) return
      this.#held.delete(name)
      this.#next(name)
    })
  }
}
