/** Diagnostics as text for people, and as the JSON that Falco's validation prints. */
import type { Diagnostic, ErrorCode, Span, WarningCode } from './diagnostics.ts'
import type { FileResult, LoadResult } from './load.ts'
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
function snippet(span: Span, source: SourceFile | undefined): readonly string[] {
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

/** Falco's short text for each code. */
const DESCRIPTIONS: Readonly<Record<ErrorCode | WarningCode, string>> = {
  LOAD_ERR_FILE_READ: 'File read error',
  LOAD_ERR_YAML_PARSE: 'YAML parse error',
  LOAD_ERR_YAML_VALIDATE: 'Error validating internal structure of YAML file',
  LOAD_ERR_COMPILE_CONDITION: 'Error compiling condition',
  LOAD_ERR_COMPILE_OUTPUT: 'Error compiling output',
  LOAD_ERR_VALIDATE: 'Error validating rule/macro/list/exception objects',
  LOAD_ERR_EXTENSION: 'Error in extension item',
  LOAD_ERR_TOML_PARSE: 'TOML parse error',
  LOAD_ERR_TOML_VALIDATE: 'Error validating rules in TOML',
  CONFIG_ERR_READ: 'Configuration file read error',
  CONFIG_ERR_PARSE: 'Configuration parse error',
  CONFIG_ERR_VALIDATE: 'Error validating configuration',
  LOAD_UNKNOWN_SOURCE: 'Unknown event source',
  LOAD_UNSAFE_NA_CHECK: 'Unsafe <NA> comparison in condition',
  LOAD_NO_EVTTYPE: 'Condition has no event-type restriction',
  LOAD_UNKNOWN_FILTER: 'Unknown field or event-type in condition or output',
  LOAD_UNUSED_MACRO: 'Unused macro',
  LOAD_UNUSED_LIST: 'Unused list',
  LOAD_UNKNOWN_ITEM: 'Unknown rules file item',
  LOAD_DEPRECATED_ITEM: 'Used deprecated item',
  LOAD_WARNING_EXTENSION: 'Warning in extension item',
  LOAD_APPEND_NO_VALUES: 'Overriding/appending with no values',
  LOAD_EXCEPTION_NAME_NOT_UNIQUE: 'Multiple exceptions defined with the same name',
  LOAD_INVALID_MACRO_NAME: 'Invalid macro name',
  LOAD_INVALID_LIST_NAME: 'Invalid list name',
  LOAD_COMPILE_CONDITION: 'Warning in rule condition',
  LOAD_UNKNOWN_KEY: 'Unknown key in rules file item',
  LOAD_NO_EFFECT: 'Part of a rules file that has no effect',
  CONFIG_NO_EFFECT: 'Configuration that has no effect',
}

/** What a file's shape is judged by: everything else is about names and conditions. */
const SCHEMA_CODES = new Set<string>(['LOAD_ERR_YAML_VALIDATE', 'LOAD_UNKNOWN_KEY', 'LOAD_UNKNOWN_ITEM'])

/**
 * The value of `falco -V --json`: `{falco_load_results: [...]}`. As there, lines, columns and offsets of positions count
 * from 0, and offsets count bytes.
 */
export function falcoLoadResults(result: Pick<LoadResult, 'files' | 'sources'>): object {
  return {
    falco_load_results: result.files.map((file) => {
      const shape = [...file.errors, ...file.warnings].filter(({ code }) => SCHEMA_CODES.has(code))
      return {
        name: file.name,
        successful: file.successful,
        schema_valid: shape.length === 0,
        schema_warnings: shape.map(({ message }) => message),
        errors: file.errors.map((error) => falcoProblem(error, result.sources)),
        warnings: file.warnings.map((warning) => falcoProblem(warning, result.sources)),
      }
    }),
  }
}

function falcoProblem(problem: Diagnostic, sources: Sources): object {
  const place = { itemType: innermost(problem), itemName: '', span: problem.span }
  const locations = [...problem.context, place].map(({ itemType, itemName, span }) => ({
    item_type: itemType,
    item_name: itemName,
    position: {
      name: span.file,
      line: span.line - 1,
      column: span.column - 1,
      offset: Buffer.byteLength(sources.get(span.file)?.text.slice(0, span.from) ?? ''),
    },
  }))
  return {
    code: problem.code,
    codedesc: DESCRIPTIONS[problem.code],
    message: problem.hint === undefined ? problem.message : `${problem.message} (${problem.hint})`,
    context: { locations, snippet: snippet(problem.span, sources.get(problem.span.file)).join('\n') },
  }
}

/** A chain ends with the exact place; Falco has a name for it where it is in an expression. */
function innermost(problem: Diagnostic): string {
  if (problem.code === 'LOAD_ERR_COMPILE_OUTPUT') return 'rule output expression'
  if (problem.code === 'LOAD_ERR_COMPILE_CONDITION') return 'condition expression'
  return problem.context.at(-1)?.itemType ?? 'rules content'
}
