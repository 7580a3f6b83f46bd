import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react'
import { merge } from '../client/store/live.ts'
import type { DefaultOptions } from '../client/store/options.ts'

export const Defaults = /* @__PURE__ */ createContext<DefaultOptions>({})

/** What `StreamDefaults` takes. */
export interface StreamDefaultsProps {
  /** Of these, those of the nearest one count. */
  options: DefaultOptions
  children?: ReactNode
}

/** Gives options to every `useEventStream` below it. */
export function StreamDefaults({ options, children }: StreamDefaultsProps): ReactElement {
  return createElement(Defaults.Provider, { value: merge(useContext(Defaults), options) }, children)
}
