/** Builds the page into a folder; the package itself has been built before. */
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const page = fileURLToPath(new URL('page/', import.meta.url))

export async function buildPage(folder: string): Promise<void> {
  await build({
    root: page,
    base: './',
    logLevel: 'warn',
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      rollupOptions: {
        input: [`${page}index.html`, `${page}admin.html`, `${page}tab.html`],
      },
    },
  })
}
