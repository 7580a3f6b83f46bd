/** Runs a snippet in the page: what it imports is the package itself, and the value of what stands before `//=>` is shown. */
const MODULES = {
  unmissed: () => import('unmissed'),
  'unmissed/testing': () => import('unmissed/testing'),
}

const Program = (async () => {}).constructor

/** Resolves when the snippet is over, however; `say` gets a line for each thing that it shows. */
export async function run(code, say) {
  const body = code
    .replace(/^import \{ (.+) \} from '(.+)'$/gm, "const { $1 } = await load('$2')")
    .replace(/^(?!const |let )(.+?) \/\/=>.*$/gm, 'show(await ($1))')
  const load = (name) => {
    if (!MODULES[name]) throw new Error(`only ${Object.keys(MODULES).join(' and ')} can be imported here`)
    return MODULES[name]()
  }
  const show = (value) => value !== undefined && say(written(value))
  const log = (...values) => say(values.map((value) => (typeof value === 'string' ? value : written(value))).join(' '))
  try {
    await new Program('load', 'show', 'console', body)(load, show, { ...console, log })
  } catch (error) {
    say(`${error}`)
  }
}

/** A value as one would write it. */
function written(value) {
  if (typeof value === 'string')
    return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`
  if (value?.constructor !== Object) return String(value)
  return `{ ${Object.entries(value)
    .map(([name, part]) => `${name}: ${written(part)}`)
    .join(', ')} }`
}
