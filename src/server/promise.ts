/** Whether something has to be waited for: also the promise of another library, or of another realm. */
export function isPromise<Value>(value: Value | PromiseLike<Value>): value is Promise<Value> {
  return typeof (value as PromiseLike<Value> | undefined)?.then === 'function'
}
