import { LONGEST } from '../log/timer.ts'
import { UnmissedError } from '../protocol/errors.ts'
import { isPromise } from './promise.ts'

/** Waits for all of these, but for so many milliseconds at most. */
export async function atMost(milliseconds: number, all: readonly Promise<unknown>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.min(milliseconds, LONGEST))
  })
  await Promise.race([Promise.all(all), late])
  clearTimeout(timer)
}

/** What somebody else was asked for, for only so long: rejects with `timeout` after that many milliseconds. `what` is what did not come, and `then` what follows from it. */
export async function within<Value>(
  milliseconds: number,
  what: string,
  value: Value | PromiseLike<Value>,
  then = '',
): Promise<Value> {
  if (!isPromise(value)) return value
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `${what} did not answer within ${milliseconds} ms${then}`
    timer = setTimeout(() => reject(new UnmissedError('timeout', message)), Math.min(milliseconds, LONGEST))
  })
  try {
    return await Promise.race([value, late])
  } finally {
    clearTimeout(timer)
  }
}
