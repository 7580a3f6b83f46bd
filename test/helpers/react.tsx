import { act, type ReactNode, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { frame } from './frame.ts'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export interface Page {
  readonly root: Root
  readonly container: HTMLElement
  readonly text: string
  render(node: ReactNode): Promise<void>
  /** Lets what is under way come, and the frame after it. */
  frame(): Promise<void>
  /** Frames until it is so. */
  until(so: () => boolean): Promise<void>
  unmount(): Promise<void>
}

/** Renders into a page, and leaves it at the end. */
export async function render(node: ReactNode, { strict = false } = {}): Promise<Page> {
  const container = document.body.appendChild(document.createElement('main'))
  const root = createRoot(container)
  const page: Page = {
    root,
    container,
    get text() {
      return container.textContent ?? ''
    },
    render: (next) => act(async () => root.render(strict ? <StrictMode>{next}</StrictMode> : next)),
    frame: () => act(frame),
    async until(so) {
      while (!so()) await page.frame()
    },
    async unmount() {
      await act(async () => root.unmount())
      container.remove()
    },
  }
  await page.render(node)
  return page
}

/** Runs without `act`, which would keep updates back and make one of them. */
export async function live(run: () => Promise<void>): Promise<void> {
  globalThis.IS_REACT_ACT_ENVIRONMENT = false
  await run().finally(() => {
    globalThis.IS_REACT_ACT_ENVIRONMENT = true
  })
}
