/** Tables for the terminal. Cells are data: what could steer the terminal is made visible. */
import { printable } from '../outputs/escape.ts'

/** Break text at blanks into lines of at most `width` characters; a longer word gets a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines
}

const GAP = '  '
const NARROWEST = 20

/**
 * Rows under headings, columns as wide as their cells; the last column is wrapped to fit `width` characters, and where that
 * would leave it too little, the widest of the others with it. Rows shorter than the headings are filled with empty cells.
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width = 120,
): string {
  const all = [headings, ...rows].map((row) => headings.map((_, i) => printable(row[i] ?? '')))
  const widths = columnWidths(all, width)
  const lines: string[] = []
  for (const row of all) {
    const cells = row.map((cell, i) => (cell.length > widths[i]! ? wrap(cell, widths[i]!) : [cell]))
    const height = Math.max(...cells.map((cell) => cell.length))
    for (let line = 0; line < height; line++)
      lines.push(
        cells
          .map((cell, i) => (cell[line] ?? '').padEnd(widths[i]!))
          .join(GAP)
          .trimEnd(),
      )
  }
  return `${lines.join('\n')}\n`
}

function columnWidths(rows: readonly (readonly string[])[], width: number): readonly number[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const last = widths.length - 1
  const left = (): number =>
    width - widths.slice(0, last).reduce((sum, columnWidth) => sum + columnWidth + GAP.length, 0)
  if (last > 0 && left() < Math.min(widths[last]!, NARROWEST)) {
    const widest = widths.indexOf(Math.max(...widths.slice(0, last)))
    const both = left() + widths[widest]!
    widths[widest] = Math.max(Math.ceil(both / 2), both - widths[last]!, NARROWEST)
  }
  widths[last] = Math.max(left(), NARROWEST)
  return widths
}
