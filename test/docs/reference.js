/** The reference: every public name of every entry, with its signature and its doc comment. */
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { declarations, root, text } from './comments.js'

export function reference() {
  const { exports, name } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const { tsup } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const all = declarations()
  const sections = Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([path, { default: file }]) => {
      const entry = tsup.entry[file.default.slice('./dist/'.length, -'.js'.length)]
      const items = publicNames(entry).map(({ name, from }) => item(all.get(`${from}:${name}`), name))
      return `## \`${path.replace('.', name)}\`\n\n${items.join('\n')}`
    })
  return `# Reference\n\nEvery public name of every entry, from its doc comment. Written by \`npm run docs\`.\n\n${sections.join('\n\n')}\n`
}

function publicNames(entry) {
  const source = ts.createSourceFile(entry, readFileSync(root + entry, 'utf8'), ts.ScriptTarget.Latest, true)
  const folder = entry.slice(0, entry.lastIndexOf('/') + 1)
  return source.statements.filter(ts.isExportDeclaration).flatMap((node) =>
    node.exportClause.elements.map(({ name, propertyName }) => ({
      name: (propertyName ?? name).text,
      from: new URL(node.moduleSpecifier.text, `file:///${folder}`).pathname.slice(1),
    })),
  )
}

function item(found, name) {
  if (!found) throw new Error(`${name} is exported, but not declared where its entry says`)
  const { node, overloads, source } = found
  const doc = text(node)
  const lines = [
    `### \`${name}\``,
    '',
    doc,
    '',
    '```ts',
    ...[node, ...overloads].map((one) => head(one, source)),
    '```',
    '',
  ]
  if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))
    for (const member of node.members) {
      const meaning = text(member)
      if (member.name && meaning) lines.push(`- \`${member.name.getText(source)}\` ${meaning}`)
    }
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`
}

/** The declaration without the bodies of its functions and without its comments. */
function head(node, source) {
  const printer = ts.createPrinter({ removeComments: true })
  if (ts.isFunctionDeclaration(node))
    node = ts.factory.updateFunctionDeclaration(
      node,
      node.modifiers,
      node.asteriskToken,
      node.name,
      node.typeParameters,
      node.parameters,
      node.type,
      undefined,
    )
  if (ts.isClassDeclaration(node)) {
    const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText(source)}`).join('')
    return `class ${node.name.text}${heritage}`
  }
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations
      .map((one) => `const ${one.name.getText(source)}${one.type ? `: ${one.type.getText(source)}` : ''}`)
      .join('\n')
  return printer.printNode(ts.EmitHint.Unspecified, node, source).replace(/^export /, '')
}
