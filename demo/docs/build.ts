/** Makes the site of the documentation: every guide is a page, and its Markdown stands beside it, for machines. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { pages, textOf } from '../../test/docs/pages.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const REPOSITORY = 'https://github.com/unmissed/unmissed/blob/main'
const all = [...pages, 'src/reference.md']

/** `src/server/door/README.md` is `door`, `src/speed.md` is `speed`, the README the first page. */
export function nameOf(page: string): string {
  if (page === 'README.md') return 'index'
  if (page === 'src/README.md') return 'house'
  return /([^/]+?)(?:\/README)?\.md$/.exec(page)?.[1] as string
}

/** Builds the site into a folder, which is emptied first. It stands at `/docs/`, or below `UNMISSED_BASE`. */
export async function buildDocs(folder: string): Promise<void> {
  // Beside the packages that it is built with, and apart from another build at the same time.
  const work = mkdtempSync(join(here, '.work-'))
  try {
    for (const part of ['config.js', 'theme'])
      cpSync(join(here, part), join(work, '.vitepress', part), { recursive: true })
    writeFileSync(join(work, '.vitepress/sidebar.json'), JSON.stringify(sidebar()))
    for (const page of all) writeFileSync(join(work, `${nameOf(page)}.md`), withPlaygrounds(forSite(page)))
    await build(work, { outDir: folder })
    for (const page of all) writeFileSync(join(folder, `${nameOf(page)}.md`), forSite(page))
    writeFileSync(join(folder, 'llms.txt'), forMachines())
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The text of a page, with the links as they are on the site. */
function forSite(page: string): string {
  return (
    textOf(page)
      .replace(/^\[← all guides\].*\n\n?/m, '')
      // The demo itself is one click away.
      .replace(/^!\[.*\n\n?/gm, '')
      .replace(/\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)/g, (_, path: string, anchor = '') => {
        if (path === '') return `](${anchor})`
        const target = join(dirname(page), path)
        return all.includes(target) ? `](./${nameOf(target)}.md${anchor})` : `](${REPOSITORY}/${target}${anchor})`
      })
  )
}

/** Below a snippet that is marked so, itself to be run. */
function withPlaygrounds(markdown: string): string {
  return markdown.replace(
    /^<!-- run -->\n(```ts\n([\s\S]*?)```\n)/gm,
    (_, fence, code) => `${fence}\n<Playground code="${encodeURIComponent(code.trimEnd())}" />\n`,
  )
}

/** In which part of the site a page stands. */
const PARTS: readonly (readonly [title: string, where: RegExp])[] = [
  ['Read', /^src\/(client|react|share|eventsource|compat|testing)\//],
  ['Serve', /^src\/(server|redis|log)\//],
  ['Know', /./],
]

const titleOf = (page: string) => /^# (.+)$/m.exec(textOf(page))?.[1]?.replaceAll('`', '') as string

function sidebar(): { text: string; items: { text: string; link: string }[] }[] {
  const rest = new Set(listed())
  return PARTS.map(([text, where]) => {
    const here = [...rest].filter((page) => where.test(page))
    for (const page of here) rest.delete(page)
    return { text, items: here.map((page) => ({ text: titleOf(page), link: `/${nameOf(page)}` })) }
  })
}

/** The guides in the order of the README, each once. */
function listed(): Set<string> {
  const [, table = ''] = /## Guides\n([\s\S]*?)\n## /.exec(textOf('README.md')) ?? []
  return new Set([...table.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => path))
}

function forMachines(): string {
  const lines = [...listed()].map((page) => `- [${titleOf(page)}](./${nameOf(page)}.md)`)
  return `# unmissed\n\n> Server-Sent Events for both ends of the wire, where no event is missed.\n\n${lines.join('\n')}\n`
}

// npm run docs:site -- folder
if (process.argv[1] === fileURLToPath(import.meta.url)) await buildDocs(resolve(process.argv[2] ?? 'site'))
