/** The doc comments of the public types, as tables: what is documented where it is typed, and nowhere else by hand. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Every exported declaration of src, by name. A name that is declared in two files is kept by `file:name` alone. */
export function declarations() {
  const found = new Map()
  for (const name of readdirSync(`${root}src`, { recursive: true }).sort()) {
    if (!/\.tsx?$/.test(name)) continue
    const file = `src/${name}`
    const source = ts.createSourceFile(file, readFileSync(root + file, 'utf8'), ts.ScriptTarget.Latest, true)
    for (const node of source.statements) {
      if (!ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue
      const named = ts.isVariableStatement(node) ? node.declarationList.declarations : [node]
      for (const { name } of named) {
        if (!name) continue
        const key = `${file}:${name.text}`
        const known = found.get(key)
        // Of an overloaded function the signatures count, and the implementation is nobody's business.
        if (known) known.overloads.push(...(node.body ? [] : [node]))
        else found.set(key, { file, name: name.text, node, source, overloads: [] })
      }
    }
  }
  return found
}

/** `ConnectOptions`, or `src/server/options.ts:CorsOptions` where the name alone is not enough. */
export function declaration(all, wanted) {
  const matches = [...all.entries()].filter(([key, { name }]) => key === wanted || name === wanted)
  if (matches.length !== 1) throw new Error(`${wanted} is declared ${matches.length} times in src`)
  return matches[0][1]
}

/** The members of an interface that have a doc comment of their own, in their order. */
export function members({ node, source }) {
  if (!ts.isInterfaceDeclaration(node)) throw new Error(`${node.name.text} is no interface`)
  return node.members
    .filter((member) => member.name)
    .map((member) => {
      const doc = text(member)
      const at = doc.lastIndexOf('Default: ')
      return {
        name: member.name.getText(source),
        type: signature(member, source),
        meaning: (at < 0 ? doc : doc.slice(0, at)).trim(),
        fallback: at < 0 ? '' : doc.slice(at + 'Default: '.length).replace(/\.$/, ''),
      }
    })
}

export function text(node) {
  return ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .map(({ comment }) => (ts.getTextOfJSDocComment(comment) ?? '').replace(/\s+/g, ' ').trim())
    .join(' ')
}

function signature(member, source) {
  if (ts.isMethodSignature(member))
    return member
      .getText(source)
      .replace(/\s+/g, ' ')
      .replace(/^readonly /, '')
  return (member.type?.getText(source) ?? '')
    .replace(/\s+/g, ' ')
    .replace(/ \| undefined$/, '')
    .replace(/^\((\(.*)\)$/, '$1')
    .replace(/^\| /, '')
}

const cell = (value) => value.replaceAll('|', '\\|')

export function optionsTable(all, wanted) {
  const rows = members(declaration(all, wanted)).map(({ name, type, meaning, fallback }) => {
    if (!meaning) throw new Error(`${wanted}.${name} has no doc comment`)
    return `| \`${name}\` | \`${cell(type)}\` | ${cell(fallback)} | ${cell(meaning)} |`
  })
  return ['| option | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

export function sizesTable() {
  const budgets = JSON.parse(readFileSync(`${root}size-limit.json`, 'utf8'))
  return [
    '| what is imported | at most |',
    '| --- | --- |',
    ...budgets.map(({ name, limit }) => `| \`${name}\` | ${limit} |`),
  ].join('\n')
}

/** Fills `<!-- options: Name -->` … `<!-- /options -->` and `<!-- sizes -->` … `<!-- /sizes -->`. */
export function fill(markdown, all = declarations()) {
  const sized = markdown.replace(
    /(<!-- sizes -->\n)[\s\S]*?(<!-- \/sizes -->)/,
    (_, open, close) => `${open}${sizesTable()}\n${close}`,
  )
  return sized.replace(
    /(<!-- options: (\S+) -->\n)[\s\S]*?(<!-- \/options -->)/g,
    (_, open, wanted, close) => `${open}${optionsTable(all, wanted)}\n${close}`,
  )
}
