import { createEffect, createSignal, onCleanup, untrack } from 'solid-js'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { askUrl } from '../client/store/asked-url.ts'
import type { StoreOptions, StoreState } from '../client/store/live.ts'
import type { AnySchemas, StreamOptions, StreamState, StreamUrl } from '../client/store/options.ts'
import { createView, isDone } from '../client/store/view.ts'

/** A value, or a function that reads signals. */
export type MaybeAccessor<Value> = Value | (() => Value)

/** `createEventStream` for one map of events, so that nothing else needs a type: `export const createEvents: CreateEvents<Events> = createEventStream`. */
export type CreateEvents<Events extends object> = <
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: MaybeAccessor<StreamUrl>,
  options: MaybeAccessor<StreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined }>,
) => StreamState<Events, Type, Selected>

/** Shows a stream of events: connected while its owner is there, but not on a server. Each part that is read is tracked. */
export function createEventStream<
  const Each extends Schemas,
  Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
  Data = SchemaEvents<Each>[Type] | undefined,
  Selected = Data,
>(
  url: MaybeAccessor<StreamUrl>,
  options: MaybeAccessor<StreamOptions<SchemaEvents<Each>, Type, Data, Selected> & { schemas: Each }>,
): StreamState<SchemaEvents<Each>, Type, Selected>
// Only where all types are inferred: a caller that writes types can write no `_Inferred`, and means the next ones.
export function createEventStream<
  _Inferred extends never,
  Value,
  Type extends string = string,
  Data = Value | undefined,
  Selected = Data,
>(
  url: MaybeAccessor<StreamUrl>,
  options: MaybeAccessor<
    StreamOptions<Record<string, Value>, Type, Data, Selected> & {
      parse: (data: string, type: string) => Value
      schemas?: undefined
    }
  >,
): StreamState<Record<string, Value>, Type, Selected>
export function createEventStream<
  Events extends object = Record<string, unknown>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: MaybeAccessor<StreamUrl>,
  options: MaybeAccessor<StreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined }>,
): StreamState<Events, Type, Selected>
export function createEventStream<
  Events extends { [Type in keyof Events]: string } = Record<string, string>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: MaybeAccessor<StreamUrl>,
  options?: MaybeAccessor<StreamOptions<Events, Type, Data, Selected> & { parse?: undefined; schemas?: undefined }>,
): StreamState<Events, Type, Selected>
// Where it is not known whether there is a `parse`, or schemas.
export function createEventStream<
  _Inferred extends never,
  Each extends Schemas,
  Type extends string = string,
  Data = unknown,
  Selected = Data,
>(
  url: MaybeAccessor<StreamUrl>,
  options: MaybeAccessor<StreamOptions<Record<string, unknown>, Type, Data, Selected> & AnySchemas<Each>>,
): StreamState<Record<string, unknown>, Type, Selected>
export function createEventStream(
  url: MaybeAccessor<StreamUrl>,
  options: MaybeAccessor<StoreOptions> = {},
): StoreState {
  const [first, follow] = createView(() => ({
    ...(typeof options === 'function' ? options() : options),
    url: askUrl(url as StreamUrl),
  }))
  // One signal for everything, so that no part of it is older than another.
  const [state, setState] = createSignal(first)
  createEffect(() => onCleanup(follow((now) => void setState(now))))
  const parts = {}
  for (const name of Object.keys(first) as (keyof StoreState)[])
    Object.defineProperty(parts, name, {
      enumerable: true,
      ...(isDone(name) ? { value: () => untrack(state)[name]() } : { get: () => state()[name] }),
    })
  return parts as StoreState
}
