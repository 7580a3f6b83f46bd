/** Whether something is a promise of any make: those of another realm, or of a database's driver, are no `Promise` of ours. */
export function isPromise<Value>(value: Value | PromiseLike<Value>): value is Promise<Value> {
  return typeof (value as PromiseLike<Value> | undefined | null)?.then === 'function'
}
