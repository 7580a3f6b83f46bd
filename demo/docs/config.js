/** How the documentation looks: its pages are the README and the guides, made ready by `build.ts` beside this file. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import sidebar from './sidebar.json'

/** What the playgrounds import: this package as it was built. */
const PACKAGE = ['unmissed', 'unmissed/testing'].map((name) => ({
  find: new RegExp(`^${name}$`),
  replacement: fileURLToPath(import.meta.resolve(name)),
}))

/** As on the demo. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M1 8h3l2-6 4 12 2-6h3" fill="none" stroke="#0a7d55" stroke-width="2"/></svg>'

export default defineConfig({
  title: 'unmissed',
  description: 'Server-Sent Events for both ends of the wire, where no event is missed.',
  lang: 'en',
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  base: process.env.UNMISSED_BASE ?? '/docs/',
  lastUpdated: false,
  // A page fetches itself, not all that it names.
  router: { prefetchLinks: false },
  // A dead link is an error of the build.
  ignoreDeadLinks: false,
  // What is found by the search is one large piece, fetched by whoever searches.
  vite: {
    logLevel: 'error',
    build: { chunkSizeWarningLimit: 2000 },
    resolve: { alias: PACKAGE },
  },
  markdown: {
    languageAlias: { caddyfile: 'nginx', haproxy: 'ini' },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: (markdown) => markdown.core.ruler.push('corner', corner),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar,
    nav: [
      { text: 'Guides', link: '/#guides' },
      { text: 'Reference', link: '/reference' },
      ...(process.env.UNMISSED_DEMO ? [{ text: 'Demo', link: process.env.UNMISSED_DEMO, target: '_self' }] : []),
    ],
  },
})

/** The empty corner of a table is no heading. */
function corner({ tokens }) {
  for (const [at, token] of tokens.entries()) {
    if (token.type !== 'th_open' || tokens[at + 1]?.content) continue
    token.tag = 'td'
    tokens[at + 2].tag = 'td'
  }
}
