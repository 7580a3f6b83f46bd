import type { Refusal } from './exchange.ts'
import { takesJson } from './headers.ts'

/** What a refusal says, and as what. */
export interface Account {
  readonly body: string
  readonly headers: Record<string, string>
}

/** A refusal told as a problem (RFC 9457) to whoever takes JSON, else as a line of text. Nothing where it says nothing. */
export function account({ status, message, headers = {} }: Refusal, accept: string | undefined): Account | undefined {
  if (!message) return undefined
  // It is something already.
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) return { body: message, headers: {} }
  if (!takesJson(accept)) return { body: message, headers: { 'Content-Type': 'text/plain; charset=utf-8' } }
  return {
    body: JSON.stringify({ status, detail: message }),
    headers: { 'Content-Type': 'application/problem+json' },
  }
}
