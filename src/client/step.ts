import type { ConnectError } from './errors.ts'

/** One attempt with its body, or one wait. Aborted where it is cut short, and where it fails, with `error`. */
export interface Step extends AbortController {
  error?: ConnectError
  /** Whether somebody outside the loop cut it short, who wants something else now. */
  isCut?: boolean
}

/** Ends a step with what went wrong, which is kept beside the signal: React Native's has no reason. */
export function fail(step: Step, error: ConnectError): void {
  if (step.signal.aborted) return
  step.error = error
  step.abort(error)
}

/** Throws where the signal is aborted; React Native's cannot do that itself. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason
}

/** The promise, or the reason of the signal if that comes first: a fetch or a function of the caller may ignore it. */
export function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}

/** Resolves when a step that goes on is cut short, or fails. */
export function cut(step: Step): Promise<unknown> {
  return new Promise((resolve) => step.signal.addEventListener('abort', resolve))
}
