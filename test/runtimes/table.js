// The README's table of runtimes, from results.json, which a run with UNMISSED_RECORD=1 writes.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = (name) => fileURLToPath(new URL(name, import.meta.url))

export const BEGIN = '<!-- runtimes:begin -->'
export const END = '<!-- runtimes:end -->'

export const readResults = () => JSON.parse(readFileSync(path('results.json'), 'utf8'))

/** The table in Markdown: one row per runtime, one column per capability, and below it the notes on what is limited. */
export function render({ capabilities, rows, notes }) {
  const numbers = [...new Set(rows.flatMap(({ limits }) => limits.map((limit) => notes[limit].note)))]
  const cell = (row, capability) => {
    const marks = row.limits.filter((limit) => notes[limit].capability === capability)
    const sup = marks.map((limit) => `<sup>${numbers.indexOf(notes[limit].note) + 1}</sup>`)
    return [marks.some((limit) => notes[limit].missing) ? '–' : '✓', ...sup].join(' ')
  }
  const lines = [
    `| runtime | ${capabilities.join(' | ')} |`,
    `| --- |${' :-: |'.repeat(capabilities.length)}`,
    ...rows.map((row) => `| ${row.name} ${row.version} | ${capabilities.map((name) => cell(row, name)).join(' | ')} |`),
    '',
    ...numbers.map((note, at) => `<sup>${at + 1}</sup> ${note}${at < numbers.length - 1 ? '<br>' : ''}`),
  ]
  return lines.join('\n')
}

/** The page with its table replaced; unchanged where it has no markers. */
export function fillRuntimes(page, results) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) return page
  return `${page.slice(0, begin + BEGIN.length)}\n\n${render(results)}\n\n${page.slice(end)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const readme = path('../../README.md')
  writeFileSync(readme, fillRuntimes(readFileSync(readme, 'utf8'), readResults()))
}
