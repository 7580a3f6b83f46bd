import type { ServerSentEvent } from '../protocol/event.ts'
import { ConnectError } from './errors.ts'

/** A schema of zod, valibot, arktype …: whatever follows https://standardschema.dev, and answers synchronously. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/** One schema for each type of event. */
export type Schemas = Readonly<Record<string, StandardSchema>>

/** The event map that schemas describe. */
export type SchemaEvents<Each extends Schemas> = {
  [Type in keyof Each & string]: NonNullable<Each[Type]['~standard']['types']>['output']
}

/** How the text of an event becomes its data. */
export type Parse = 'json' | ((data: string, type: string) => unknown)

/** Turns the text of an event into data, and checks it. Throws `invalid-data`. */
export function decode(raw: ServerSentEvent, parse: Parse | undefined, schemas: Schemas | undefined) {
  const { type, id } = raw
  // Own properties only: a server may name an event `constructor`.
  const schema = schemas && Object.hasOwn(schemas, type) ? schemas[type] : undefined
  const way = parse ?? (schema && 'json')
  if (!way) return raw
  try {
    const data: unknown = way === 'json' ? JSON.parse(raw.data) : way(raw.data, type)
    if (!schema) return { type, data, id }
    const result = schema['~standard'].validate(data)
    if ('value' in result && !result.issues) return { type, data: result.value, id }
    // Waiting for an answer would reorder events. What it would have been is nobody's concern, not even a rejection.
    Promise.resolve(result).catch(() => {})
    throw new TypeError(JSON.stringify('issues' in result ? result.issues : 'asynchronous schema'), { cause: result })
  } catch (cause) {
    throw invalid(raw, cause)
  }
}

/** The error of an event that a function of the caller's could not read. */
export const invalid = (event: ServerSentEvent, cause: unknown): ConnectError =>
  new ConnectError('invalid-data', `invalid data of "${event.type}"`, true, { cause, event })
