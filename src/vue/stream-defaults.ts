import { type App, hasInjectionContext, type InjectionKey, inject, type MaybeRefOrGetter, provide } from 'vue'
import type { DefaultOptions } from '../client/store/options.ts'

const KEY: InjectionKey<MaybeRefOrGetter<DefaultOptions>> = /* @__PURE__ */ Symbol('unmissed')

/** Gives options to every `useEventStream` in the components below this one, or in a whole app. */
export function provideStreamDefaults(options: MaybeRefOrGetter<DefaultOptions>, app?: App): void {
  if (app) app.provide(KEY, options)
  else provide(KEY, options)
}

/** The nearest ones; outside of a component there are none. */
export const injectStreamDefaults = (): MaybeRefOrGetter<DefaultOptions> | undefined =>
  hasInjectionContext() ? inject(KEY, undefined) : undefined
