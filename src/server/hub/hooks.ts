import { isPromise } from '../promise.ts'
import { within } from '../within.ts'

/** Calls back into the application, whose mistakes are its own. */
export class Hooks {
  readonly #report: (error: unknown) => void
  readonly #patience: number

  /** `patience` is how long a hook may keep somebody waiting, in milliseconds. */
  constructor(report: (error: unknown) => void, patience: number) {
    this.#report = report
    this.#patience = patience
  }

  /** Calls a hook that nobody waits for. */
  call<Arguments extends unknown[], Result>(
    hook: ((...values: Arguments) => Result) | undefined,
    ...values: Arguments
  ): Result | undefined {
    try {
      const result = hook?.(...values)
      if (isPromise(result)) Promise.resolve(result).catch(this.#report)
      return result
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }

  /** Calls a hook that is waited for; rejects with what it throws, or when it takes too long. Nothing where it answers at once. */
  ask<Arguments extends unknown[]>(
    name: string,
    hook: ((...values: Arguments) => void | Promise<void>) | undefined,
    ...values: Arguments
  ): Promise<void> | undefined {
    try {
      const result = hook?.(...values)
      return isPromise(result) ? within(this.#patience, name, Promise.resolve(result)) : undefined
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
