/** `npm run load` asks for the full numbers; the check that everybody runs keeps to what two cores do in seconds. */
export const FULL = process.env['UNMISSED_LOAD'] === 'full'

/** A figure of a test: what the check uses, and what `npm run load` does. */
export function scaled(check: number, full: number): number {
  return FULL ? full : check
}
