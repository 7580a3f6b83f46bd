import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Snippet {
  /** Where it stands, for messages. */
  at: string
  language: string
  code: string
}

/** What is said of parameters and data without a type, which nobody writes in JavaScript. */
const UNTYPED = new Set([7006, 7031, 18046])
/** The globals of other runtimes. */
const ELSEWHERE = 'declare const Bun: any, Deno: any'

/** The fenced blocks of a page that are programs; of those only that have this before them. */
export function snippets(page: string, before = ''): Snippet[] {
  const text = readFileSync(root + page, 'utf8')
  const fence = new RegExp(`^${before}\`\`\`(js|ts|jsx|tsx)\\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...text.matchAll(fence)].map((match) => ({
    at: `${page}:${text.slice(0, match.index).split('\n').length}`,
    language: match[1] as string,
    code: match[2] as string,
  }))
}

/** The programs of a page that are files of somebody who follows it: their first line is `// name.js`. Of two the first. */
export function filesOf(page: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const { code } of snippets(page)) {
    const name = /^\/\/ ((?:[a-z]+\/)?[a-z.]+\.js)\n/.exec(code)?.[1]
    if (name) files[name] ??= code
  }
  return files
}

/** What the compiler says of the snippets, each a module of its own that imports the package by its name. */
export function complaints(list: Snippet[]): string[] {
  const files = new Map(
    list.map((snippet, index) => [
      `${root}test/docs/snippet-${index}.${snippet.language.replace('js', 'ts')}`,
      snippet,
    ]),
  )
  const options: ts.CompilerOptions = {
    ...ts.convertCompilerOptionsFromJson(
      ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config.compilerOptions,
      root,
    ).options,
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
    paths: sourcesByName(),
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.getSourceFile = (name, target, ...rest) => {
    const snippet = files.get(name)
    // Without an import it would be a script, in which two snippets share their names and `await` is refused.
    return snippet
      ? ts.createSourceFile(name, `${snippet.code}\nexport {}\n${ELSEWHERE}`, target, true)
      : getSourceFile(name, target, ...rest)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files].flatMap(([name, { at, language }]) => {
    const file = program.getSourceFile(name)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
      .filter(({ code }) => !(language.startsWith('js') && UNTYPED.has(code)))
      .map(({ messageText, start = 0 }) => {
        const line = file?.getLineAndCharacterOfPosition(start).line ?? 0
        return `${at} line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
      })
  })
}

/** `unmissed/react` → its source, so that a snippet is compiled against the present state and not against a build. */
function sourcesByName(): Record<string, string[]> {
  const { exports, tsup } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const paths: Record<string, string[]> = {}
  for (const [path, target] of Object.entries<{ default: { default: string } } | string>(exports)) {
    if (typeof target === 'string') continue
    const { default: file } = target.default
    paths[path.replace('.', 'unmissed')] = [root + tsup.entry[file.slice('./dist/'.length, -'.js'.length)]]
  }
  return paths
}
