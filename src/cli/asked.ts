import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { address, headersOf, takeCredentials, type Values } from './args.ts'
import { proxyFor } from './proxy.ts'
import { UsageError } from './usage.ts'

/** What the words of the command line ask for. */
export interface Asked {
  readonly url: URL
  readonly headers: Headers
  readonly method?: string
  readonly body?: string
}

/** Reads the request from the command line, and from the files that it names; a mistake in it is a `UsageError`. */
export async function asked(word: string, values: Values): Promise<Asked> {
  const url = address(word)
  const headers = headersOf(values)
  takeCredentials(url, headers)
  // A proxy that we cannot speak to is told now.
  proxyFor(url)
  if (!values.data) return { url, headers, ...(values.request && { method: values.request }) }
  const body = await bodyOf(values.data)
  if (!headers.has('content-type'))
    headers.set('content-type', /^\s*[[{]/.test(body) ? 'application/json' : 'application/x-www-form-urlencoded')
  return { url, headers, method: values.request ?? 'POST', body }
}

/** The parts of `-d`, `@file` and `@-` among them, joined as curl joins them. */
async function bodyOf(parts: readonly string[]): Promise<string> {
  if (parts.filter((part) => part === '@-').length > 1) throw new UsageError('standard input can be read once')
  const texts: string[] = []
  for (const part of parts) texts.push(part.startsWith('@') ? await contentOf(part.slice(1)) : part)
  return texts.join('&')
}

async function contentOf(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`-d cannot read ${file}: ${(error as Error).message}`)
  }
}
