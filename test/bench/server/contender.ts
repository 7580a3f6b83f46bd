/** What every contender is to the benchmark: a server that sends one text to all who are connected. */
export interface Contender {
  /** Listens on a free port of the loopback and answers with it. */
  listen(): Promise<number>
  /** Sends one event with this data to everyone. */
  broadcast(data: string): void
  /** How many it believes to be connected. */
  size(): number
}

/** The order of the table. `limit` first: everything is a multiple of it. */
export const CONTENDERS = ['limit', 'naive', 'sse-channel', 'better-sse', 'hono', 'unmissed', 'unmissed-web'] as const

export type Name = (typeof CONTENDERS)[number]
