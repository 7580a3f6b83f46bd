import { type Live, type StoreState, selected, streamId } from './live.ts'
import { createStore } from './store.ts'

/** Takes the options of now, and shows what comes of them. Answers with its undo. */
export type Follow = (show: (state: StoreState) => void) => () => void

/**
 * What a component shows, where a framework runs an effect again whenever something that it has read is another one:
 * the state before anything is opened, and the effect.
 */
export function createView(read: () => Live): [first: StoreState, follow: Follow] {
  let live = read()
  let store = createStore(live)
  const state = () => selected(store.getSnapshot(), live)
  return [
    state(),
    (show) => {
      const before = live
      live = read()
      if (streamId(live) === streamId(before)) store.update(live)
      else store = createStore(live, live.keepData ? store : undefined)
      const tell = () => show(state())
      // Left and subscribed again at each change, which a store outlives.
      const leave = store.subscribe(tell)
      tell()
      return leave
    },
  ]
}

/** Whether a part of a state is something to be done, whichever store there is by then. */
export const isDone = (name: string): name is 'reconnect' | 'close' | 'stop' =>
  ['reconnect', 'close', 'stop'].includes(name)
