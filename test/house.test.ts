import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

// The house stands as long as its walls do: who may import whom, what may lie about, what the tables of contents hold.

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))

/** What stands in the server's hall. */
const SHARED = [
  'check',
  ...['check', 'errors', 'promise', 'published-event', 'report', 'within'].map((name) => `server/${name}`),
]

/** Per room: whose values it may import, whose types, and which packages of others. */
const rooms: Record<string, { values: string[]; types?: string[]; packages?: string[] }> = {
  protocol: { values: [] },
  // What options may be: for every room whose users give some.
  check: { values: [] },
  client: { values: ['protocol', 'check'] },
  eventsource: { values: ['protocol', 'client', 'check'] },
  compat: { values: ['protocol', 'client', 'server'], types: ['log'] },
  react: { values: ['client/store'], types: ['protocol', 'client'], packages: ['react'] },
  vue: { values: ['client/store'], types: ['protocol', 'client'], packages: ['vue'] },
  svelte: { values: ['client/store'], types: ['protocol', 'client'], packages: ['svelte'] },
  solid: { values: ['client/store'], types: ['protocol', 'client'], packages: ['solid-js'] },
  share: { values: ['protocol', 'client', 'check'] },
  log: { values: ['protocol'] },
  // What all rooms of the server share, and those that show what is in them.
  server: { values: ['protocol', 'log', 'check', 'server'] },
  'server/http': { values: ['protocol', ...SHARED] },
  'server/door': { values: ['protocol', 'log', 'server/http', ...SHARED] },
  'server/reader': { values: ['protocol', 'log', 'server/http', 'server/door', ...SHARED] },
  'server/hub': {
    values: ['protocol', 'log', 'server/http', 'server/door', 'server/reader', 'server/metrics', ...SHARED],
  },
  'server/runs': {
    values: [
      ...['protocol', 'log', 'server/http', 'server/door', 'server/reader', 'server/hub', 'server/metrics'],
      ...SHARED,
    ],
  },
  redis: { values: ['protocol', 'log', 'check'] },
  testing: { values: ['protocol', 'check', 'client/reporting'], types: ['client'] },
  debug: { values: ['client/trace-listeners'] },
  cli: { values: ['protocol', 'client', 'server', 'check'] },
  'index.ts': { values: ['protocol', 'client'] },
}

/** Files that know Node: the command line, and the server's door for it, which needs no more than types. */
const nodeValues = /^cli\//
const nodeTypes = /^(cli\/|server\/http\/node-types\.ts$)/

/** Where else a global of Node is named, and why that harms nobody who has none. */
const lateBound: Record<string, string[]> = {
  // Asked for by `globalThis.Buffer` first; elsewhere the bytes stay as they are.
  'server/reader/bytes.ts': ['Buffer'],
  // Asked for by `globalThis.process` first.
  'client/trace.ts': ['process'],
}

const NODE_GLOBALS = ['Buffer', 'process', 'require', 'global', '__dirname', '__filename']

/** The top level, by DESIGN; beside it only what tools insist on finding there. */
const TOP_LEVEL = [
  ...['src', 'test', 'fixtures', 'demo', '.ci'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'size-limit.json', 'README.md', 'LICENSE'],
  ...['.gitattributes', '.github', '.gitignore', 'biome.json'],
]

type Import = { specifier: string; typeOnly: boolean }
type Source = { path: string; file: ts.SourceFile; imports: Import[] }

const sources: Source[] = readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.tsx?$/.test(path))
  .sort()
  .map((path) => {
    const text = readFileSync(`${root}/src/${path}`, 'utf8')
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    return { path, file, imports: importsOf(file) }
  })

function visit(node: ts.Node, see: (node: ts.Node) => void) {
  see(node)
  node.forEachChild((child) => visit(child, see))
}

function importsOf(file: ts.SourceFile): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Node | undefined, typeOnly: boolean) => {
    if (node && ts.isStringLiteralLike(node)) imports.push({ specifier: node.text, typeOnly })
  }
  visit(file, (node) => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings
      const onlyTypes =
        node.importClause?.name === undefined &&
        named !== undefined &&
        ts.isNamedImports(named) &&
        named.elements.every((element) => element.isTypeOnly)
      add(node.moduleSpecifier, (node.importClause?.isTypeOnly ?? false) || onlyTypes)
    } else if (ts.isExportDeclaration(node)) {
      const named = node.exportClause
      const onlyTypes =
        named !== undefined && ts.isNamedExports(named) && named.elements.every((element) => element.isTypeOnly)
      add(node.moduleSpecifier, node.isTypeOnly || onlyTypes)
    } else if (ts.isImportTypeNode(node)) {
      if (ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
  })
  return imports
}

/** The innermost room that a file is in. */
const roomOf = (path: string) => {
  const [first = '', second = ''] = path.split('/')
  return `${first}/${second}` in rooms ? `${first}/${second}` : first
}
const isIndex = (path: string) => /(^|\/)index\.tsx?$/.test(path)

/** A row per offence reads better than the first one alone. */
function offences(find: (source: Source) => string[]): string[] {
  return sources.flatMap((source) => find(source).map((offence) => `src/${source.path}: ${offence}`))
}

describe('directions', () => {
  test('every room has its rule here', () => {
    expect(sources.map(({ path }) => roomOf(path)).filter((room) => !(room in rooms))).toEqual([])
  })

  test('a room imports only from the rooms that it stands on', () => {
    const found = offences(({ path, imports }) => {
      const room = roomOf(path)
      const { values, types = [] } = rooms[room] ?? { values: [] }
      return imports.flatMap(({ specifier, typeOnly }) => {
        if (!specifier.startsWith('.')) return []
        const target = posix.join(posix.dirname(path), specifier)
        const allowed = typeOnly ? [room, ...values, ...types] : [room, ...values]
        const fits = allowed.some(
          (place) => target === `${place}.ts` || target === place || target.startsWith(`${place}/`),
        )
        return fits ? [] : [`imports ${typeOnly ? 'types' : 'values'} of ${target}`]
      })
    })
    expect(found).toEqual([])
  })

  test('no file stands on itself, by however many others, not even with its types', () => {
    const imports = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports
          .filter(({ specifier }) => specifier.startsWith('.'))
          .map(({ specifier }) => posix.join(posix.dirname(path), specifier)),
      ]),
    )
    const circles: string[] = []
    const done = new Set<string>()
    const follow = (path: string, way: readonly string[]) => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '))
      if (way.includes(path) || done.has(path)) return
      for (const next of imports.get(path) ?? []) follow(next, [...way, path])
      done.add(path)
    }
    for (const { path } of sources) follow(path, [])
    expect(circles).toEqual([])
  })

  test('an index file is imported by nobody: it is for those outside', () => {
    const found = offences(({ imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('.') && isIndex(specifier))
        .map(({ specifier }) => specifier),
    )
    expect(found).toEqual([])
  })

  test('what comes from a package is a peer that its room is for, or a type of Node', () => {
    const found = offences(({ path, imports }) => {
      const packages = rooms[roomOf(path)]?.packages ?? []
      return imports.flatMap(({ specifier, typeOnly }) => {
        if (specifier.startsWith('.')) return []
        if (specifier.startsWith('node:')) {
          return nodeValues.test(path) || (typeOnly && nodeTypes.test(path)) ? [] : [`imports ${specifier}`]
        }
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
        const peer = packages.includes(name) && name in (manifest.peerDependencies ?? {})
        return peer ? [] : [`imports ${specifier}`]
      })
    })
    expect(found).toEqual([])
  })

  test('no global of Node is named outside the files that are for Node', () => {
    const named: Record<string, string[]> = {}
    for (const { path, file } of sources) {
      if (nodeTypes.test(path)) continue
      const names = new Set<string>()
      visit(file, (node) => {
        if (ts.isIdentifier(node) && NODE_GLOBALS.includes(node.text) && namesGlobal(node)) names.add(node.text)
      })
      if (names.size > 0) named[path] = [...names]
    }
    expect(named).toEqual(lateBound)
  })

  /** Not a property of something else, nor a key: `Buffer`, `globalThis.Buffer`, but not `headers.process`. */
  function namesGlobal(node: ts.Identifier): boolean {
    const { parent } = node
    if (ts.isPropertyAccessExpression(parent) && parent.name === node)
      return parent.expression.getText() === 'globalThis'
    return !(
      (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent)) &&
      parent.name === node
    )
  }
})

describe('tables of contents', () => {
  test('nothing is exported by a star', () => {
    const found = offences(({ file }) =>
      file.statements
        .filter(
          (statement) =>
            ts.isExportDeclaration(statement) && !(statement.exportClause && ts.isNamedExports(statement.exportClause)),
        )
        .map((statement) => statement.getText()),
    )
    expect(found).toEqual([])
  })

  test('nothing is exported by default', () => {
    const found = offences(({ file }) => {
      const found: string[] = []
      visit(file, (node) => {
        if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
          if (!ts.isDefaultClause(node.parent)) found.push(node.getText().slice(0, 60))
        }
      })
      return found
    })
    expect(found).toEqual([])
  })

  test('an index file defines nothing: every line names one file and what it exports', () => {
    const found = offences(({ path, file }) =>
      !isIndex(path)
        ? []
        : file.statements
            .filter((statement) => !ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined)
            .map((statement) => statement.getText().slice(0, 60)),
    )
    expect(found).toEqual([])
  })

  test('an index file is sorted by file, one line for each', () => {
    const found = offences(({ path, imports }) => {
      if (!isIndex(path)) return []
      const files = imports.map(({ specifier }) => specifier)
      const doubles = files.filter((file, at) => files.indexOf(file) !== at)
      const typesApart = new Set(imports.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier))
      return [
        ...doubles.filter((file) => !typesApart.has(file)).map((file) => `names ${file} twice`),
        ...(files.every((file, at) => at === 0 || (files[at - 1] as string) <= file)
          ? []
          : [`is not sorted: ${files.join(', ')}`]),
      ]
    })
    expect(found).toEqual([])
  })

  test('only src/index.ts and the rooms have an index file', () => {
    expect(sources.map(({ path }) => path).filter((path) => isIndex(path) && path.split('/').length > 2)).toEqual([])
  })
})

describe('package.json', () => {
  test('has no dependencies, and only optional peers', () => {
    expect(manifest.dependencies ?? {}).toEqual({})
    expect(manifest.optionalDependencies ?? {}).toEqual({})
    for (const peer of Object.keys(manifest.peerDependencies ?? {}))
      expect(manifest.peerDependenciesMeta?.[peer]?.optional, peer).toBe(true)
  })

  test('every peer is used by the room that is for it', () => {
    const packages = Object.values(rooms).flatMap(({ packages = [] }) => packages)
    expect(Object.keys(manifest.peerDependencies ?? {}).filter((peer) => !packages.includes(peer))).toEqual([])
  })

  /** What tsup builds: `dist/<key>.js` from a source. */
  const entries: Record<string, string> = manifest.tsup.entry
  const keyOf = (path: string) => path.replace(/^(\.\/)?dist\/(.*)\.js$/, '$2')
  const commands = Object.values<string>(manifest.bin ?? {}).map(keyOf)
  const { './package.json': itself, ...exported } = manifest.exports

  test('every path of exports is built by tsup, once for each who asks, with the types first', () => {
    expect(itself).toBe('./package.json')
    for (const [name, target] of Object.entries<Record<string, Record<string, string>>>(exported)) {
      const key = name === '.' ? 'index' : name.slice(2)
      const modules = [
        ['types', `./dist/${key}.d.ts`],
        ['production', `./dist/production/${key}.js`],
        ['default', `./dist/${key}.js`],
      ]
      const common = [
        ['types', `./dist/cjs/${key}.d.cts`],
        ['default', `./dist/cjs/${key}.cjs`],
      ]
      // In this order: who can `require` a module gets it, so that there is one of each class.
      const { 'react-server': boundary, ...rest } = target
      if (boundary) expect(Object.keys(target)[0]).toBe('react-server')
      expect(
        Object.entries(rest).map(([condition, paths]) => [condition, Object.entries(paths)]),
        name,
      ).toEqual([
        ['module-sync', modules],
        ['require', common],
        ['default', modules],
      ])
      expect(sources.map(({ path }) => `src/${path}`)).toContain(entries[key])
    }
    // What components of a server import of the hooks for React.
    expect(exported['./react']['react-server']).toEqual({
      types: './dist/react.d.ts',
      production: './dist/production/react/boundary.js',
      default: './dist/react/boundary.js',
    })
    expect(Object.keys(entries).length).toBe(Object.keys(exported).length + 1 + commands.length)
  })

  test('compilers that know no exports find the types of every entry as well', () => {
    const { '.': main, ...others } = exported
    expect([manifest.main, manifest.types]).toEqual([main.require.default, main.require.types])
    const types = Object.entries<{ require: { types: string } }>(others).map(([name, target]) => [
      name.slice(2),
      [target.require.types],
    ])
    expect(manifest.typesVersions).toEqual({ '*': Object.fromEntries(types) })
  })

  test('every table of contents is an entry; beside them only commands, and files that their room shows by themselves', () => {
    const contents = sources.filter(({ path }) => isIndex(path)).map(({ path }) => `src/${path}`)
    expect(contents.filter((path) => !Object.values(entries).includes(path))).toEqual([])
    const odd = Object.entries(entries).filter(([key, source]) => {
      const ofRoom = source === (key === 'index' ? 'src/index.ts' : `src/${key}/index.ts`)
      const ofFile =
        !isIndex(source) && [posix.basename(key), key.replace('-', '/')].some((name) => source.endsWith(`/${name}.ts`))
      return !ofRoom && !ofFile && !commands.includes(key)
    })
    expect(odd).toEqual([])
  })

  test('is ESM for Node 20.19 and later, under the MIT licence', () => {
    expect(manifest).toMatchObject({ type: 'module', engines: { node: '>=20.19' }, license: 'MIT' })
    // What is run for its effects is named; all else may be dropped where it is not used.
    expect(manifest.sideEffects).toEqual(
      ['polyfill.js', 'production/polyfill.js', 'cjs/polyfill.cjs'].map(
        (path) => `./dist/${path.replace('polyfill', 'eventsource/polyfill')}`,
      ),
    )
  })
})

/** What is longer than the rest, and why it is better whole. Nothing else may become so. */
const LONG: Record<string, string> = {
  'cli/notes.ts createNotes': 'a table of what is said, a line for each',
  'cli/serve.ts serve': 'a small server, read from its first line to its last',
  'cli/status.ts statusLine': 'a line’s writer with its few variables, which nobody else may touch',
  'client/store/store.ts LiveStore': 'the frame’s one state; each method is a transition of it',
  'client/store/stream.ts Stream': 'one connection and its members: who joins, lingers and leaves is one count',
  'compat/fetch-event-source.ts fetchEventSource': 'another library’s options, one after the other, in our words',
  'eventsource/connection.ts createConnection': 'the standard’s algorithm, in its order, with its clauses',
  'eventsource/request.ts request': 'the standard’s request, field by field',
  'log/suite.ts': 'a list of rules: each is a test, and reads by itself',
  'protocol/body.ts events':
    'one loop over a body: reading, parsing and what a caller may do between two events share their variables',
  'protocol/decoder.ts createDecoder': 'a closure over what is left of a character and of a mark',
  'protocol/parser.ts': 'the standard’s parsing, whole',
  'protocol/parser.ts createParser': 'its variables live in one closure, which the hot loop needs',
  'protocol/parser.ts field': 'a branch for each field of the standard',
  'server/admin.ts adminHandler': 'four routes and what is common to them',
  'server/http/node.ts NodeExchange': 'all that is different about Node’s request and response',
  'server/http/web.ts WebExchange': 'the same for the web’s',
  'server/hub/feed.ts Feed': 'following a log, and what to do where something did not come: one state',
  'server/hub/hub.ts LogHub': 'the public methods, a line or two each, handed on to the parts',
  'server/hub/readers.ts Readers': 'what reader and feed need of each other, handed on',
  'server/reader/hub-subscriber.ts HubSubscriber':
    'the public face of one reader, handed on to its view and its outbox',
  'server/reader/outbox.ts Outbox': 'what waits for one reader: every method keeps the same bound',
  'testing/mock-request.ts exchange': 'one mocked exchange, from the request to the end of its body',
  'testing/mock-request.ts (anonymous)': 'the handle that tests hold of it, a line for each method',
}

test('no class is longer than 150 lines, no function than 40, no file than 250, but for a few with their reason', () => {
  const found: string[] = []
  for (const { path, file } of sources) {
    const lines = (node: ts.Node) =>
      file.getLineAndCharacterOfPosition(node.end).line -
      file.getLineAndCharacterOfPosition(node.getStart(file)).line +
      1
    if (lines(file) > 251) found.push(path)
    visit(file, (node) => {
      const limit = ts.isClassLike(node) ? 150 : ts.isFunctionLike(node) && 'body' in node && node.body ? 40 : undefined
      if (limit && lines(node) > limit)
        found.push(`${path} ${(node as ts.NamedDeclaration).name?.getText(file) ?? '(anonymous)'}`)
    })
  }
  // Both ways: a reason for what is short by now is none.
  expect(found.sort()).toEqual(Object.keys(LONG).sort())
})

test('the top level holds what it must and nothing else', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  const names = new Set(
    tracked
      .split('\0')
      .filter(Boolean)
      .map((path) => path.split('/')[0] as string),
  )
  expect([...names].filter((name) => !TOP_LEVEL.includes(name))).toEqual([])
})
