import { reporting } from '../client/reporting.ts'

/** Turns off, or on again, that a connection which fails while nobody listens says so on the console. */
export function reportUnheard(isOn: boolean): void {
  reporting.isOn = isOn
}
