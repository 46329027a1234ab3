/** Reading TOML tables key by key, with a diagnostic for everything that is not as it should be. */
import { didYouMean } from '../../condition/suggest.ts'
import {
  type Diagnostic,
  documentFault,
  type ErrorCode,
  type Span,
  type WarningCode,
} from '../../diagnostics.ts'
import type { SourceFile } from '../../passes/mapped-text.ts'
import { readToml, type TomlEntry, type TomlNode, type TomlTable } from './toml-file.ts'

/** Most problems that are reported of one file. */
const MAX_PROBLEMS = 100
/** Most elements of a list, characters of a text. */
const MAX_LIST = 4096
const MAX_TEXT = 65_536

/** Collects what is wrong with one file. */
export interface Problems {
  readonly errors: Diagnostic[]
  readonly warnings: Diagnostic[]
  error(message: string, span: Span, hint?: string): void
  warn(message: string, span: Span, hint?: string): void
}

export function collectProblems(codes: {
  readonly error: ErrorCode
  readonly warning: WarningCode
}): Problems {
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const more = (hint: string | undefined) => (hint === undefined ? {} : { hint })
  return {
    errors,
    warnings,
    error(message, span, hint) {
      if (errors.length < MAX_PROBLEMS)
        errors.push({ severity: 'error', code: codes.error, message, span, context: [], ...more(hint) })
    },
    warn(message, span, hint) {
      if (warnings.length < MAX_PROBLEMS)
        warnings.push({ severity: 'warning', code: codes.warning, message, span, context: [], ...more(hint) })
    },
  }
}

/** In the order of the file. */
export const byPlace = (a: Diagnostic, b: Diagnostic): number => a.span.from - b.span.from

/** The root table of a file; undefined where it is no TOML, which is among `problems` then, with this code. */
export function rootTable(file: SourceFile, code: ErrorCode, problems: Problems): TomlTable | undefined {
  try {
    return readToml(file)
  } catch (error) {
    problems.errors.push(documentFault(error, code))
    return undefined
  }
}

/** Complain about keys of a table that are not among `known`. */
export function onlyKeys(table: TomlTable, known: readonly string[], what: string, problems: Problems): void {
  for (const [name, { key }] of table.entries)
    if (!known.includes(name))
      problems.error(
        `unknown key '${shorten(name)}' in ${what}`,
        key,
        didYouMean(name, known) ?? `its keys are ${known.join(', ')}`,
      )
}

/** A value in words for a message. */
function describe(node: TomlNode): string {
  if (node.kind === 'list') return `a list of ${node.items.length}`
  if (node.kind === 'table') return 'a table'
  return node.kind === 'text' ? `'${shorten(node.text)}'` : shorten(node.text)
}

const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

/** Reads the keys of one table. What is missing or wrong is reported, and a harmless value taken in its place. */
export class TableReader {
  readonly #table: TomlTable
  readonly #what: string
  readonly #problems: Problems

  constructor(table: TomlTable, what: string, problems: Problems) {
    this.#table = table
    this.#what = what
    this.#problems = problems
  }

  entry(key: string): TomlEntry | undefined {
    return this.#table.entries.get(key)
  }

  /** Where to point for a key: at its value, or at the table without it. */
  spanOf(key: string): Span {
    return this.entry(key)?.value.span ?? this.#table.span
  }

  text(key: string): string {
    const node = this.#need(key)
    if (node === undefined) return ''
    if (node.kind !== 'text' || node.text === '' || node.text.length > MAX_TEXT)
      this.#wrong(key, node, 'a text that is not empty')
    return node.kind === 'text' ? node.text : ''
  }

  bool(key: string): boolean {
    const node = this.#need(key)
    if (node !== undefined && node.kind !== 'bool') this.#wrong(key, node, 'true or false')
    return node?.kind === 'bool' && node.text === 'true'
  }

  choice<const V extends string>(key: string, values: readonly V[]): V {
    const node = this.#need(key)
    if (node === undefined) return values[0]!
    const found = node.kind === 'text' ? values.find((value) => value === node.text) : undefined
    if (found === undefined)
      this.#wrong(
        key,
        node,
        values.length === 1 ? `only '${values[0]}'` : `one of ${values.join(', ')}`,
        node.kind === 'text' ? didYouMean(node.text, values) : undefined,
      )
    return found ?? values[0]!
  }

  /** A list of texts; empty without the key. */
  texts(key: string, allowed?: readonly string[]): readonly string[] {
    return this.#items(key).flatMap((item) => {
      if (item.kind === 'text' && item.text !== '' && item.text.length <= MAX_TEXT) {
        if (allowed === undefined || allowed.includes(item.text)) return [item.text]
        this.#wrong(key, item, `some of ${allowed.join(', ')}`, didYouMean(item.text, allowed))
      } else this.#wrong(key, item, 'texts that are not empty')
      return []
    })
  }

  /** A list of absolute paths. */
  paths(key: string): readonly string[] {
    for (const item of this.#items(key))
      if (item.kind === 'text' && item.text !== '' && !item.text.startsWith('/'))
        this.#wrong(key, item, 'absolute paths', 'a path that does not begin with / would match nothing')
    return this.texts(key)
  }

  ports(key: string): readonly number[] {
    return this.#items(key).flatMap((item) => {
      const port = item.kind === 'number' ? Number(item.text) : Number.NaN
      if (port >= 0 && port <= 65_535) return [port]
      this.#wrong(key, item, 'port numbers from 0 to 65535')
      return []
    })
  }

  #items(key: string): readonly TomlNode[] {
    const node = this.entry(key)?.value
    if (node === undefined) return []
    if (node.kind !== 'list') {
      this.#wrong(key, node, 'a list', 'write it in brackets')
      return []
    }
    if (node.items.length <= MAX_LIST) return node.items
    this.#problems.error(`'${key}' of ${this.#what} has more than ${MAX_LIST} elements`, node.span)
    return []
  }

  #need(key: string): TomlNode | undefined {
    const node = this.entry(key)?.value
    if (node === undefined) this.#problems.error(`${this.#what} has no '${key}'`, this.#table.span)
    return node
  }

  #wrong(key: string, node: TomlNode, wanted: string, hint?: string): void {
    this.#problems.error(`'${key}' of ${this.#what} takes ${wanted}, not ${describe(node)}`, node.span, hint)
  }
}
