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

interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

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
    let data = way === 'json' ? JSON.parse(raw.data) : way(raw.data, type)
    const result = schema?.['~standard'].validate(data)
    if (result && 'then' in result) throw new TypeError('the schema is asynchronous, which would reorder events')
    if (result?.issues) {
      const [issue] = result.issues
      const path = issue?.path?.map((step) => (typeof step === 'object' ? step.key : step)).join('.')
      throw new TypeError(path ? `${path}: ${issue?.message}` : issue?.message, { cause: result.issues })
    }
    if (result) data = result.value
    return { type, data: data as unknown, id }
  } catch (cause) {
    const message = `The data of a "${type}" event was refused: ${(cause as Error)?.message}`
    throw new ConnectError('invalid-data', message, true, { cause, event: raw })
  }
}
