export type EngineName =
  | 'node-20'
  | 'node-22'
  | 'node-24'
  | 'node-26'
  | 'bun'
  | 'deno'
  | 'workerd'
  | 'chromium'
  | 'firefox'
  | 'webkit'
  | 'redis'
  | 'nginx'
  | 'apache'
  | 'caddy'
  | 'haproxy'
  | 'promtool'
export const HOME: string
export const ENGINES: Record<EngineName, { npm?: string; commands?: string[]; debian?: string[] }>
export function wantedEngines(): EngineName[]
export function engine(name: EngineName, command?: string): string
export function hasEngine(name: EngineName): boolean
export function howTo(name: EngineName): string
