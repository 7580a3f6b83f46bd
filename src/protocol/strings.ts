// Called as methods, these are fast only while a call site has seen few kinds of string (flat, sliced, chained, one or
// two bytes wide); a real program soon has seen them all, and then each call costs 2 to 5 times as much, for good.
// Called as functions, they keep their speed.
function uncurry<Rest extends unknown[], Result>(method: (this: string, ...rest: Rest) => Result) {
  return Function.prototype.call.bind(method) as unknown as (text: string, ...rest: Rest) => Result
}

/** Only for an index within the text: past its end V8 throws away the optimized code of the caller. */
export const codeAt = uncurry(String.prototype.charCodeAt)
export const indexOf = uncurry(String.prototype.indexOf)
export const slice = uncurry(String.prototype.slice)

/**
 * `text.length` is such a call, too, unless V8 can prove that `text` is a string: adding nothing proves it, and costs
 * nothing in optimized code.
 */
export function lengthOf(text: string): number {
  // biome-ignore lint/style/useTemplate: a template proves nothing
  return ('' + text).length
}
