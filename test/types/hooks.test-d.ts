import { expectTypeOf } from 'vitest'
import type { ComputedRef } from 'vue'
import { ref } from 'vue'
import { z } from 'zod'
import type { ConnectOptions, ServerSentEvent, Snapshot } from '../../src/index.ts'
import { type StreamOptions, type UseEvents, useEventStream } from '../../src/react/index.ts'
import { type EventStreamOf, eventStream } from '../../src/svelte/index.ts'
import { EventStream } from '../../src/svelte/runes.ts'
import { type UseEvents as UseEventsInVue, useEventStream as useEventStreamInVue } from '../../src/vue/index.ts'

// What must compile, and after each `@ts-expect-error` what must not. Compiled by `npm run types`, never run.

interface Tick {
  price: number
}
interface Events {
  tick: Tick
  note: string
}
const url = 'https://sse.test/'

// Without a map every event may come, and its data is text.
const plain = useEventStream(url)
expectTypeOf(plain.data).toEqualTypeOf<string | undefined>()
expectTypeOf(plain.event).toEqualTypeOf<ServerSentEvent<string, string> | undefined>()
expectTypeOf(plain.recent).toEqualTypeOf<readonly ServerSentEvent<string, string>[]>()
expectTypeOf(plain).toExtend<Snapshot>()
useEventStream(null)
useEventStream(undefined, { enabled: false })
useEventStream(new URL(url), { headers: async () => ({ authorization: 'x' }) })
useEventStream(() => url)

// A map flows to the data, as with `connect`; what is no text has to be read by somebody.
const typed = useEventStream<Events>(url, { parse: 'json' })
expectTypeOf(typed.data).toEqualTypeOf<Tick | string | undefined>()
if (typed.event?.type === 'tick') expectTypeOf(typed.event.data).toEqualTypeOf<Tick>()
useEventStream<Events>(url, {
  parse: 'json',
  event: 'tick',
  onEvent: ({ type }) => expectTypeOf(type).toEqualTypeOf<'tick' | 'note'>(),
})
expectTypeOf(useEventStream<Events, 'tick'>(url, { parse: 'json', event: 'tick' }).data).toEqualTypeOf<
  Tick | undefined
>()
expectTypeOf(useEventStream<{ tick: Tick }>(url, { parse: 'json', event: 'tick' }).data).toEqualTypeOf<
  Tick | undefined
>()
expectTypeOf(useEventStream<{ mode: 'on' | 'off' }>(url).data).toEqualTypeOf<'on' | 'off' | undefined>()
// @ts-expect-error: `parse` is missing
useEventStream<Events>(url)
// @ts-expect-error: the map knows no such event
useEventStream<Events>(url, { parse: 'json', event: 'tock' })
// @ts-expect-error: nor this one
useEventStream<Events>(url, { parse: 'json', event: ['tick', 'tock'] })
expectTypeOf(useEventStream(url, { parse: 'json' }).data).toEqualTypeOf<unknown>()

// The hook for a map knows the data of each type of event, and lets the rest be inferred.
const useEvents: UseEvents<Events> = useEventStream
const tick = useEvents(url, { parse: 'json', event: 'tick' })
expectTypeOf(tick.data).toEqualTypeOf<Tick | undefined>()
expectTypeOf(tick.event).toEqualTypeOf<ServerSentEvent<'tick', Tick> | undefined>()
expectTypeOf(useEvents(url, { parse: 'json' }).data).toEqualTypeOf<Tick | string | undefined>()
expectTypeOf(useEvents(url, { parse: 'json', event: ['tick', 'note'] }).data).toEqualTypeOf<Tick | string | undefined>()
expectTypeOf(useEvents(url, { parse: 'json', event: ['note'] }).data).toEqualTypeOf<string | undefined>()
expectTypeOf(useEvents(url, { parse: 'json', event: 'tick', select: (tick) => tick?.price }).data).toEqualTypeOf<
  number | undefined
>()
const folded = useEvents(url, {
  parse: 'json',
  event: 'tick',
  reduce: (sum: number, { data }) => sum + data.price,
  initial: 0,
  select: (sum) => `${sum}`,
})
expectTypeOf(folded.data).toEqualTypeOf<string>()
// @ts-expect-error: the map knows no such event
useEvents(url, { parse: 'json', event: 'tock' })
// @ts-expect-error: `parse` is missing
useEvents(url, { event: 'tick' })
const useEventsInVue: UseEventsInVue<Events> = useEventStreamInVue
expectTypeOf(useEventsInVue(url, { parse: 'json', event: 'tick' }).data.value).toEqualTypeOf<Tick | undefined>()
expectTypeOf(
  useEventsInVue(url, { parse: 'json', event: 'tick', select: (tick) => tick?.price }).data.value,
).toEqualTypeOf<number | undefined>()
const streamOf: EventStreamOf<Events> = eventStream
streamOf(url, {
  parse: 'json',
  event: 'tick',
  reduce: (sum: number, { data }) => sum + data.price,
  initial: 0,
}).subscribe(({ data }) => expectTypeOf(data).toEqualTypeOf<number>())

// What `parse` returns is the data; where it is not known whether there is one, the data is unknown.
const numbers = useEventStream(url, { parse: (text) => Number(text), onEvent: ({ data }) => data.toFixed() })
expectTypeOf(numbers.data).toEqualTypeOf<number | undefined>()
const total = useEventStream(url, {
  parse: (text) => Number(text),
  event: ['a', 'b'],
  reduce: (sum: number, { data }) => sum + data,
  initial: 0,
  select: (sum) => `${sum}`,
})
expectTypeOf(total.data).toEqualTypeOf<string>()
expectTypeOf(total.event).toEqualTypeOf<ServerSentEvent<'a', number> | ServerSentEvent<'b', number> | undefined>()
expectTypeOf(useEventStream<Events>(url, { parse: (text) => JSON.parse(text) }).data).toEqualTypeOf<
  Tick | string | undefined
>()
declare const condition: boolean
declare const connectOptions: ConnectOptions
declare const streamOptions: StreamOptions<Record<string, unknown>, string, unknown, unknown>
expectTypeOf(useEventStream(url, { parse: condition ? 'json' : undefined }).data).toEqualTypeOf<unknown>()
expectTypeOf(useEventStream(url, connectOptions).data).toEqualTypeOf<unknown>()
expectTypeOf(useEventStream(url, streamOptions).data).toEqualTypeOf<unknown>()
const counted = useEventStream(url, { ...connectOptions, reduce: (count: number) => count + 1, initial: 0 })
expectTypeOf(counted.data).toEqualTypeOf<number>()
expectTypeOf(useEventStreamInVue(url, connectOptions).data.value).toEqualTypeOf<unknown>()
expectTypeOf(useEventStreamInVue(url, { parse: (text) => Number(text) }).data.value).toEqualTypeOf<number | undefined>()
expectTypeOf(new EventStream(url, connectOptions).data).toEqualTypeOf<unknown>()
expectTypeOf(new EventStream(url, { parse: (text) => Number(text) }).data).toEqualTypeOf<number | undefined>()
eventStream(url, { parse: (text) => Number(text) }).subscribe(({ data }) =>
  expectTypeOf(data).toEqualTypeOf<number | undefined>(),
)
eventStream(url, connectOptions).subscribe(({ data }) => expectTypeOf(data).toEqualTypeOf<unknown>())

// Schemas give the map, and the type of event narrows it, without a word of types.
const schemas = { tick: z.object({ price: z.number() }), note: z.string() }
const checked = useEventStream(url, {
  schemas,
  event: 'tick',
  onEvent: ({ data }) => expectTypeOf(data).toEqualTypeOf<Tick>(),
})
expectTypeOf(checked.data).toEqualTypeOf<Tick | undefined>()
expectTypeOf(checked.event).toEqualTypeOf<ServerSentEvent<'tick', Tick> | undefined>()
expectTypeOf(useEventStream(url, { schemas }).data).toEqualTypeOf<Tick | string | undefined>()
// @ts-expect-error: no schema of that name
useEventStream(url, { schemas, event: 'tock' })

// `select` says what is shown, `reduce` what is made of all events; it wants a beginning.
expectTypeOf(
  useEventStream(url, { schemas, event: 'tick', select: (tick) => tick?.price ?? 0 }).data,
).toEqualTypeOf<number>()
const text = useEventStream(url, { reduce: (text: string, { data }) => text + data, initial: '' })
expectTypeOf(text.data).toEqualTypeOf<string>()
const sum = useEventStream(url, {
  schemas,
  event: 'tick',
  reduce: (sum: number, { data }) => sum + data.price,
  initial: 0,
})
expectTypeOf(sum.data).toEqualTypeOf<number>()
const shown = useEventStream<Events, 'tick', number, string>(url, {
  parse: 'json',
  event: 'tick',
  reduce: (sum, { data }) => sum + data.price,
  initial: 0,
  select: (sum) => `${sum}`,
})
expectTypeOf(shown.data).toEqualTypeOf<string>()
// @ts-expect-error: `initial` is missing
useEventStream(url, { reduce: (text: string, { data }) => text + data })
// @ts-expect-error: `reduce` is missing
useEventStream(url, { initial: '' })
// @ts-expect-error: not what `reduce` makes
useEventStream(url, { reduce: (text: string) => text, initial: 0 })

// In Vue each part is a ref, and URL and options may be refs or getters.
const refs = useEventStreamInVue(ref(url), () => ({ schemas, event: 'tick' as const }))
expectTypeOf(refs.data).toEqualTypeOf<ComputedRef<Tick | undefined>>()
expectTypeOf(refs.state).toEqualTypeOf<ComputedRef<Snapshot['state']>>()
expectTypeOf(refs.close).toEqualTypeOf<() => void>()
expectTypeOf(useEventStreamInVue(() => null).data.value).toEqualTypeOf<string | undefined>()
expectTypeOf(useEventStreamInVue<Events>(url, ref({ parse: 'json' as const })).data.value).toEqualTypeOf<
  Tick | string | undefined
>()
// @ts-expect-error: `parse` is missing
useEventStreamInVue<Events>(url)

// In Svelte it is a store, or a class.
eventStream(url, { schemas, event: 'tick' }).subscribe(({ data, event }) => {
  expectTypeOf(data).toEqualTypeOf<Tick | undefined>()
  expectTypeOf(event?.id).toEqualTypeOf<string | undefined>()
})
expectTypeOf(new EventStream(url).data).toEqualTypeOf<string | undefined>()
expectTypeOf(new EventStream(url, { schemas, event: 'tick' }).data).toEqualTypeOf<Tick | undefined>()
expectTypeOf(new EventStream<Events>(url, { parse: 'json' }).data).toEqualTypeOf<Tick | string | undefined>()
// @ts-expect-error: `parse` is missing
new EventStream<Events>(url)
// @ts-expect-error: a store is shared by exporting it
eventStream(url, { key: 'one' })
