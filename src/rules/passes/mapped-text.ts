/** Text that knows where it was written: files with lines, and text put together from pieces of them. */
import type { Span } from '../diagnostics.ts'

/** A file's text with what is needed to turn offsets into lines and columns in logarithmic time. */
export interface SourceFile {
  readonly name: string
  readonly text: string
  /** Offset of the first character of each line. */
  readonly lines: readonly number[]
  /** Offsets of second halves of surrogate pairs: they take no column of their own. */
  readonly halves: readonly number[]
}

export function sourceFile(name: string, text: string): SourceFile {
  const lines = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1)
  const halves: number[] = []
  for (const match of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) halves.push(match.index + 1)
  return { name, text, lines, halves }
}

/** The span of UTF-16 offsets `from` to `to`. Columns count code points. */
export function spanOf(file: SourceFile, from: number, to: number): Span {
  const start = Math.max(0, Math.min(from, file.text.length))
  const line = countBelow(file.lines, start + 1)
  const lineStart = file.lines[line - 1] ?? 0
  const column =
    start - lineStart - (countBelow(file.halves, start + 1) - countBelow(file.halves, lineStart)) + 1
  return { file: file.name, line, column, from: start, to: Math.max(start, Math.min(to, file.text.length)) }
}

/** How many numbers of a sorted array are below the limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}

/** Where a stretch of text was written, by offsets into that text. */
export type Locate = (from: number, to: number) => Span

/** Text joined from pieces of one or more files; every offset leads back to where it was written. */
export interface MappedText {
  readonly text: string
  readonly pieces: readonly { readonly from: number; readonly to: number; readonly locate: Locate }[]
}

export const mappedText = (text: string, locate: Locate): MappedText => ({
  text,
  pieces: [{ from: 0, to: text.length, locate }],
})

/** Text of our own making (a blank between two pieces, a parenthesis) that is reported at a fixed place. */
export const gluedText = (text: string, span: Span): MappedText => mappedText(text, () => span)

export function joinText(parts: readonly MappedText[]): MappedText {
  const pieces: MappedText['pieces'][number][] = []
  let length = 0
  for (const part of parts) {
    for (const piece of part.pieces)
      pieces.push({ ...piece, from: piece.from + length, to: piece.to + length })
    length += part.text.length
  }
  return { text: parts.map((part) => part.text).join(''), pieces }
}

/** Back to the file: a stretch over several pieces is reported at its first one. */
export function locate(mapped: MappedText, from: number, to: number): Span {
  let low = 0
  let high = mapped.pieces.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (mapped.pieces[middle]!.to <= from) low = middle + 1
    else high = middle
  }
  const piece = mapped.pieces[low]!
  const start = Math.min(from, piece.to) - piece.from
  return piece.locate(start, Math.max(start, Math.min(to, piece.to) - piece.from))
}
