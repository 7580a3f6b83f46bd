import {
  type ComputedRef,
  computed,
  getCurrentInstance,
  type MaybeRefOrGetter,
  onActivated,
  onDeactivated,
  shallowRef,
  toValue,
  unref,
  watchPostEffect,
} from 'vue'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { askUrl } from '../client/store/asked-url.ts'
import { merge, type StoreOptions, type StoreState } from '../client/store/live.ts'
import type { AnySchemas, StreamOptions, StreamState, StreamUrl } from '../client/store/options.ts'
import { createView, isDone } from '../client/store/view.ts'
import { injectStreamDefaults } from './stream-defaults.ts'

/** The parts of a stream's state, each as a ref, and what can be done with it. */
export type StreamRefs<State> = {
  readonly [Name in keyof State]: State[Name] extends () => void ? State[Name] : ComputedRef<State[Name]>
}

/** The hook for one map of events, so that nothing else needs a type: `export const useEvents: UseEvents<Events> = useEventStream`. */
export type UseEvents<Events extends object> = <
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: MaybeRefOrGetter<StreamUrl>,
  options: MaybeRefOrGetter<StreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined }>,
) => StreamRefs<StreamState<Events, Type, Selected>>

/** Shows a stream of events: connected while its scope is there, but not on a server. */
export function useEventStream<
  const Each extends Schemas,
  Type extends keyof SchemaEvents<Each> & string = keyof SchemaEvents<Each> & string,
  Data = SchemaEvents<Each>[Type] | undefined,
  Selected = Data,
>(
  url: MaybeRefOrGetter<StreamUrl>,
  options: MaybeRefOrGetter<StreamOptions<SchemaEvents<Each>, Type, Data, Selected> & { schemas: Each }>,
): StreamRefs<StreamState<SchemaEvents<Each>, Type, Selected>>
// Only where all types are inferred: a caller that writes types can write no `_Inferred`, and means the next ones.
export function useEventStream<
  _Inferred extends never,
  Value,
  Type extends string = string,
  Data = Value | undefined,
  Selected = Data,
>(
  url: MaybeRefOrGetter<StreamUrl>,
  options: MaybeRefOrGetter<
    StreamOptions<Record<string, Value>, Type, Data, Selected> & {
      parse: (data: string, type: string) => Value
      schemas?: undefined
    }
  >,
): StreamRefs<StreamState<Record<string, Value>, Type, Selected>>
export function useEventStream<
  Events extends object = Record<string, unknown>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: MaybeRefOrGetter<StreamUrl>,
  options: MaybeRefOrGetter<StreamOptions<Events, Type, Data, Selected> & { parse: Parse; schemas?: undefined }>,
): StreamRefs<StreamState<Events, Type, Selected>>
export function useEventStream<
  Events extends { [Type in keyof Events]: string } = Record<string, string>,
  Type extends keyof Events & string = keyof Events & string,
  Data = Events[Type] | undefined,
  Selected = Data,
>(
  url: MaybeRefOrGetter<StreamUrl>,
  options?: MaybeRefOrGetter<StreamOptions<Events, Type, Data, Selected> & { parse?: undefined; schemas?: undefined }>,
): StreamRefs<StreamState<Events, Type, Selected>>
// Where it is not known whether there is a `parse`, or schemas.
export function useEventStream<
  _Inferred extends never,
  Each extends Schemas,
  Type extends string = string,
  Data = unknown,
  Selected = Data,
>(
  url: MaybeRefOrGetter<StreamUrl>,
  options: MaybeRefOrGetter<StreamOptions<Record<string, unknown>, Type, Data, Selected> & AnySchemas<Each>>,
): StreamRefs<StreamState<Record<string, unknown>, Type, Selected>>
export function useEventStream(
  url: MaybeRefOrGetter<StreamUrl>,
  options?: MaybeRefOrGetter<StoreOptions>,
): StreamRefs<StoreState> {
  const defaults = injectStreamDefaults()
  const [first, follow] = createView(() => ({
    ...merge(toValue(defaults) as StoreOptions, toValue(options)),
    url: askUrl(unref(url)),
  }))
  // One ref for everything, so that no part of it is older than another.
  const state = shallowRef(first)
  const isActive = watchActivity()
  // A server runs no effect that comes after rendering.
  watchPostEffect((onCleanup) => {
    if (isActive.value)
      onCleanup(
        follow((now) => {
          state.value = now
        }),
      )
  })
  const refs: Record<string, unknown> = {}
  for (const name of Object.keys(first) as (keyof StoreState)[])
    refs[name] = isDone(name) ? () => state.value[name]() : computed(() => state.value[name])
  return refs as unknown as StreamRefs<StoreState>
}

/** Whether the page is shown: a KeepAlive keeps pages that were left. */
function watchActivity() {
  const isActive = shallowRef(true)
  if (getCurrentInstance()) {
    const become = (now: boolean) => () => {
      isActive.value = now
    }
    onActivated(become(true))
    onDeactivated(become(false))
  }
  return isActive
}
