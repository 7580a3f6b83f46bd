/**
 * `node test/package/notes.js [tag]`: the notes of a release, from the conventional commits between the tag before it and itself
 * (default: between the last tag and now). Where there is no earlier tag, from all there are.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SECTIONS = [
  ['To change in your code', ({ breaks }) => breaks !== undefined],
  ['New', ({ type }) => type === 'feat'],
  ['Mended', ({ type }) => type === 'fix'],
  ['Faster and smaller', ({ type }) => type === 'perf'],
  ['Documentation', ({ type }) => type === 'docs'],
]

const git = (cwd, ...args) => execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

/** `feat(client)!: what` with its body; nothing for a commit that is written otherwise. */
function parse(message) {
  const [subject = '', ...body] = message.trim().split('\n')
  const [, type, room, mark, what] = /^([a-z]+)(?:\(([^)]+)\))?(!)?: (.+)$/.exec(subject) ?? []
  if (!type) return []
  const told = /^BREAKING CHANGE: ([\s\S]+)/m.exec(body.join('\n'))?.[1]?.trim().replaceAll('\n', ' ')
  return [{ type, room, what, breaks: told ?? (mark && what) }]
}

function before(cwd, ref) {
  try {
    return git(cwd, 'describe', '--tags', '--abbrev=0', ref).trim()
  } catch {
    return undefined
  }
}

export function notesOf(cwd, tag) {
  const from = before(cwd, tag ? `${tag}^` : 'HEAD')
  const to = tag ?? 'HEAD'
  const log = git(cwd, 'log', '--reverse', '--no-merges', '--format=%B%x1e', from ? `${from}..${to}` : to)
  let rest = log.split('\x1e').flatMap(parse)
  const parts = []
  for (const [title, belongs] of SECTIONS) {
    const here = rest.filter(belongs)
    rest = rest.filter((commit) => !here.includes(commit))
    const lines = here.map(({ room, what, breaks }) => `- ${room ? `**${room}**: ` : ''}${breaks ?? what}`)
    if (lines.length > 0) parts.push(`## ${title}\n\n${lines.join('\n')}\n`)
  }
  return parts.join('\n') || 'Nothing that shows outside.\n'
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(notesOf(process.cwd(), process.argv[2]))
