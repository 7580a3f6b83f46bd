import { fileURLToPath } from 'node:url'
import { compile } from 'svelte/compiler'
import { build, type Rollup } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a bundler makes of a script of test/browsers/pages and of the built package. */
export async function bundle(page: string): Promise<string> {
  const built = (await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'svelte',
        transform: (source, id) => (id.endsWith('.svelte') ? compile(source, { filename: id }).js : undefined),
      },
    ],
    resolve: {
      alias: [
        { find: /^unmissed\/(.*)$/, replacement: `${root}dist/$1.js` },
        { find: 'unmissed', replacement: `${root}dist/index.js` },
      ],
    },
    build: { write: false, modulePreload: false, rollupOptions: { input: `${root}test/browsers/pages/${page}` } },
  })) as Rollup.RollupOutput
  return built.output[0].code
}
