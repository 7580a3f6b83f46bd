/** What is written for people: the README, and the guides, each beside the room that it is about. */
import { readdirSync, readFileSync } from 'node:fs'
import { root } from './comments.js'

const guides = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .map((path) => `src/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.md') && path !== 'src/reference.md')

/** Their paths, from the top. */
export const pages = ['README.md', ...guides.sort()]

export const textOf = (page) => readFileSync(root + page, 'utf8')

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text) {
  const seen = new Map()
  return withoutCode(text)
    .split('\n')
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) => {
      const slug = line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-')
      const before = seen.get(slug) ?? 0
      seen.set(slug, before + 1)
      return before ? `${slug}-${before}` : slug
    })
}

/** Where its links go, as they are written. */
export function linksOf(text) {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
}

const withoutCode = (text) => text.replace(/^```[\s\S]*?^```$/gm, '')
