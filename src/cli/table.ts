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
 * Rows under headings, columns as wide as their cells; the last column is wrapped to fit `width` characters.
 * Rows shorter than the headings are filled with empty cells.
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width = 120,
): string {
  const all = [headings, ...rows].map((row) => headings.map((_, i) => printable(row[i] ?? '')))
  const last = headings.length - 1
  const widths = headings.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  const indent = widths.slice(0, last).reduce((sum, w) => sum + w + GAP.length, 0)
  const room = Math.max(width - indent, NARROWEST)
  const lines: string[] = []
  for (const row of all) {
    const head = row.slice(0, last).map((cell, i) => cell.padEnd(widths[i]!) + GAP)
    const [first = '', ...more] = wrap(row[last] ?? '', room)
    lines.push((head.join('') + first).trimEnd())
    for (const line of more) lines.push(' '.repeat(indent) + line)
  }
  return `${lines.join('\n')}\n`
}
