/** Starts a table on the terminal, and returns what adds a line to it as soon as its figures are known. */
export function table(title, headers) {
  const widths = headers.map((header) => Math.max(7, header.length) + 2)
  const line = (label, cells = []) =>
    console.log(label.padEnd(34) + cells.map((cell, i) => cell.padStart(widths[i])).join(''))
  console.log(`\n${title}\n`)
  line('', headers)
  return line
}

/** Two decimals while they matter; `n/a` where nothing was measured. */
export function figure(number) {
  return number === undefined ? 'n/a' : number.toFixed(number < 100 ? 2 : 0)
}
