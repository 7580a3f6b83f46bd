export interface Row {
  engine: string
  name: string
  version: string
  /** Names of LIMITS that the run met. */
  limits: string[]
}
export interface Results {
  capabilities: string[]
  rows: Row[]
  notes: Record<string, { capability: string; note: string; missing?: true | undefined }>
}
export const BEGIN: string
export const END: string
export function readResults(): Results
export function render(results: Results): string
export function fillRuntimes(page: string, results: Results): string
