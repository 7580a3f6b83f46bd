/** A headless browser with a profile of its own, as much of it as the tests need. */
export interface Browser {
  readonly version: string
  /** Opens a page in a tab of its own and waits until it has loaded. */
  open(url: string): Promise<Page>
  close(): Promise<void>
}

export interface Page {
  /** The value of an expression in the page; a promise is awaited. */
  evaluate<Value>(expression: string): Promise<Value>
  goto(url: string): Promise<void>
  close(): Promise<void>
}

export type BrowserName = 'chromium' | 'firefox' | 'webkit'

/** Starts a browser of this machine; throws what to install where there is none. */
export async function launch(name: BrowserName): Promise<Browser> {
  const engines = {
    chromium: () => import('./chromium.ts'),
    firefox: () => import('./firefox.ts'),
    webkit: () => import('./webkit.ts'),
  }
  return (await engines[name]()).launch()
}

/** Has something done in a browser of its own, which is closed whatever comes of it: one that is left would go on asking. */
export async function inBrowser<Value>(name: BrowserName, run: (browser: Browser) => Promise<Value>): Promise<Value> {
  const browser = await launch(name)
  try {
    return await run(browser)
  } finally {
    await browser.close()
  }
}
