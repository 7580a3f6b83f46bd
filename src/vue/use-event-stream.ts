import { type ComputedRef, computed, type MaybeRefOrGetter, shallowRef, toValue, watchPostEffect } from 'vue'
import type { Parse, SchemaEvents, Schemas } from '../client/schema.ts'
import { createSharedStore, streamId } from '../client/shared-store.ts'
import { type Live, type StoreOptions, type StoreState, selected } from '../client/store.ts'
import type { StreamOptions, StreamState, StreamUrl } from '../client/stream-options.ts'

/** The parts of a stream's state, each as a ref, and what can be done with it. */
export type StreamRefs<State> = {
  readonly [Name in keyof State]: State[Name] extends () => void ? State[Name] : ComputedRef<State[Name]>
}

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
export function useEventStream(
  url: MaybeRefOrGetter<StreamUrl>,
  options?: MaybeRefOrGetter<StoreOptions>,
): StreamRefs<StoreState> {
  const read = (): Live => ({ ...(toValue(options) as StoreOptions), url: toValue(url) })
  let store = createSharedStore(read())
  // One ref for everything, so that no part of it is older than another.
  const state = shallowRef(store.getSnapshot())
  // A server runs no effect that comes after rendering.
  watchPostEffect((onCleanup) => {
    const live = read()
    if (streamId(live) === streamId(store.live)) store.update(live)
    else store = createSharedStore(live)
    const show = () => {
      state.value = selected(store.getSnapshot(), live)
    }
    // Left and subscribed again at each change, which a store outlives.
    onCleanup(store.subscribe(show))
    show()
  })
  const refs: Record<string, unknown> = {}
  for (const name of Object.keys(state.value) as (keyof StoreState)[])
    refs[name] =
      name === 'reconnect' || name === 'close' ? () => state.value[name]() : computed(() => state.value[name])
  return refs as unknown as StreamRefs<StoreState>
}
