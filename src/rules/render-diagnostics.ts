/** Diagnostics as text for people. Falco's own forms are in `falco-results.ts`. */
import type { Diagnostic, Span } from './diagnostics.ts'
import type { FileResult } from './load.ts'
import type { SourceFile } from './passes/mapped-text.ts'

type Sources = ReadonlyMap<string, SourceFile>

/** Columns of a source line that are shown; of longer ones the part around the place. */
const MAX_SHOWN = 160

/**
 * `file:line:column: severity: message [CODE]`, the line of the file with the place underlined, and the hint. No final
 * line break. Text from files is shown without its control characters, so that it cannot move the cursor.
 */
export function renderDiagnostic(diagnostic: Diagnostic, sources: Sources): string {
  const { span, severity, message, code, hint } = diagnostic
  const head = `${visible(span.file)}:${span.line}:${span.column}: ${severity}: ${visible(message)} [${code}]`
  const lines = [head, ...snippet(span, sources.get(span.file)).map((line) => `    ${line}`)]
  if (hint !== undefined) lines.push(`  hint: ${visible(hint)}`)
  return lines.join('\n')
}

/** The line of the file and the underline; nothing when the text is not known or the line is blank. */
export function snippet(span: Span, source: SourceFile | undefined): readonly string[] {
  const start = source?.lines[span.line - 1]
  if (!source || start === undefined) return []
  const next = source.lines[span.line]
  const end = next === undefined ? source.text.length : next - 1
  const line = source.text.slice(start, end).trimEnd()
  const blanks = line.length - line.trimStart().length
  if (line.length === blanks) return []
  const to = Math.min(Math.max(span.to - start, span.from - start), line.length)
  const from = Math.min(Math.max(span.from - start, 0), line.length)
  const [left, right] = windowOf(Math.min(blanks, from), from, to, line.length)
  const before = (left > blanks ? '…' : '') + visible(line.slice(left, from))
  const marked = visible(line.slice(from, Math.min(to, right)))
  const after = visible(line.slice(Math.min(to, right), right)) + (right < line.length ? '…' : '')
  const carets = '^'.repeat(Math.max(1, width(marked)))
  return [before + marked + after, ' '.repeat(width(before)) + carets]
}

/** Which part of a line to show: all of it, or a stretch around the marked place. */
function windowOf(start: number, from: number, to: number, end: number): [number, number] {
  if (end - start <= MAX_SHOWN) return [start, end]
  const room = Math.max(0, MAX_SHOWN - (to - from))
  const left = Math.max(start, from - (room >> 1))
  return [left, Math.min(end, left + MAX_SHOWN)]
}

/** Messages quote what was written, which may be megabytes: the beginning and the end tell enough. */
export function brief(text: string, most = 1000): string {
  if (text.length <= most) return text
  return `${text.slice(0, most >> 1)}…${text.slice(-(most >> 2))}`
}

/** Code points, which is what a caret stands under. */
const width = (text: string): number => [...text].length

/** Control, C1 and bidirectional characters and lone surrogates as \uXXXX; a tab as one blank. */
export function visible(text: string): string {
  return text
    .replaceAll('\t', ' ')
    .replace(
      /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

/** `<file>: Ok`, `Ok, with warnings` or `Invalid`, and everything found below it. Ends with a line break. */
export function renderFileResult(file: FileResult, sources: Sources): string {
  const verdict = !file.successful ? 'Invalid' : file.warnings.length > 0 ? 'Ok, with warnings' : 'Ok'
  const problems = [...file.errors, ...file.warnings].map((problem) => renderDiagnostic(problem, sources))
  return [`${visible(file.name)}: ${verdict}`, ...problems].join('\n') + '\n'
}
