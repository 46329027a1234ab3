/**
 * TOML 1.0 to a small tree of values, lists and tables with positions. Numbers keep the text they were written as. Hostile
 * input is bounded: size, length of a line, nesting.
 */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'
import { DocumentError, type Span } from '../../diagnostics.ts'
import { type SourceFile, spanOf } from '../../passes/mapped-text.ts'

export interface TomlValue {
  readonly kind: 'text' | 'bool' | 'number' | 'other'
  /** A text itself; anything else as written, whole numbers in decimal. */
  readonly text: string
  readonly span: Span
}
export interface TomlList {
  readonly kind: 'list'
  readonly items: readonly TomlNode[]
  readonly span: Span
}
export interface TomlTable {
  readonly kind: 'table'
  readonly entries: ReadonlyMap<string, TomlEntry>
  /** Its header; of an inline table the whole. */
  readonly span: Span
}
export interface TomlEntry {
  /** Where the name stands. */
  readonly key: Span
  readonly value: TomlNode
}
export type TomlNode = TomlValue | TomlList | TomlTable

/** Limits of one file: bytes of UTF-16 text, characters of a line, nesting of brackets. */
const TOML_LIMITS = { size: 1 << 20, line: 1 << 16, depth: 64 } as const

/** The root table. Throws DocumentError. */
export function readToml(file: SourceFile): TomlTable {
  checkSize(file)
  try {
    const root: Building = { kind: 'table', entries: new Map(), span: spanOf(file, 0, 0) }
    for (const node of parseTOML(file.text, { tomlVersion: '1.0' }).body[0].body)
      if (node.type === 'TOMLTable') fill(tableAt(root, node, file), node.body, file, 0)
      else fill(root, [node], file, 0)
    return root
  } catch (error) {
    if (error instanceof ParseError) throw parseError(error, file)
    // The parser works through nested values and very long texts by recursion.
    if (error instanceof RangeError) throw tooDeep(file)
    throw error
  }
}

function checkSize(file: SourceFile): void {
  if (file.text.length > TOML_LIMITS.size)
    throw new DocumentError(`the file is larger than ${TOML_LIMITS.size >> 10} KiB`, spanOf(file, 0, 0))
  file.lines.forEach((start, i) => {
    const end = file.lines[i + 1] ?? file.text.length
    if (end - start > TOML_LIMITS.line)
      throw new DocumentError(
        `a line has more than ${TOML_LIMITS.line} characters`,
        spanOf(file, start, start + 1),
        'lists may go over several lines',
      )
  })
}

function parseError(error: ParseError, file: SourceFile): DocumentError {
  const message = error.message.replace(/\s+/g, ' ').replace(/\.$/, '')
  return new DocumentError(
    message[0]!.toLowerCase() + message.slice(1),
    spanOf(file, error.index, error.index + 1),
  )
}

/** Of a file that is nested too deep the line with the most brackets. */
function tooDeep(file: SourceFile): DocumentError {
  const brackets = file.lines.map(
    (start, i) => file.text.slice(start, file.lines[i + 1]).match(/[[{]/g)?.length ?? 0,
  )
  const most = brackets.indexOf(brackets.reduce((a, b) => Math.max(a, b), 0))
  const start = file.lines[most] ?? 0
  return new DocumentError(
    'values are nested too deep, or a text is too long',
    spanOf(file, start, start + 1),
  )
}

/** A table while it grows. */
interface Building {
  readonly kind: 'table'
  readonly entries: Map<string, TomlEntry>
  span: Span
}

/** The table a header names, made together with those on the way to it. The parser has refused duplicates. */
function tableAt(root: Building, node: AST.TOMLTable, file: SourceFile): Building {
  const span = spanOf(file, node.range[0], headerEnd(node, file))
  let at: Building | GrowingList = root
  let key = span
  let named = 0
  for (const [i, step] of node.resolvedKey.entries()) {
    const next: unknown = node.resolvedKey[i + 1]
    if (typeof step === 'string') key = spanAt(node.key.keys[named++]!, file)
    at = child(at, step, key, typeof next === 'number' ? 'list' : 'table')
  }
  const table = at as Building
  table.span = span
  return table
}

interface GrowingList {
  readonly kind: 'list'
  readonly items: TomlNode[]
  readonly span: Span
}

function child(at: Building | GrowingList, step: string | number, key: Span, kind: 'list' | 'table') {
  const known = at.kind === 'list' ? at.items[step as number] : at.entries.get(step as string)?.value
  if (known !== undefined) return known as Building | GrowingList
  const made: Building | GrowingList =
    kind === 'list' ? { kind, items: [], span: key } : { kind, entries: new Map(), span: key }
  if (at.kind === 'list') at.items.push(made)
  else at.entries.set(step as string, { key, value: made })
  return made
}

/** Behind the brackets of a header. */
function headerEnd(node: AST.TOMLTable, file: SourceFile): number {
  const close = file.text.indexOf(']', node.key.range[1])
  return close < 0 ? node.key.range[1] : close + (node.kind === 'array' ? 2 : 1)
}

function fill(table: Building, pairs: readonly AST.TOMLKeyValue[], file: SourceFile, depth: number): void {
  for (const { key, value } of pairs) {
    let at: Building | GrowingList = table
    for (const part of key.keys.slice(0, -1)) at = child(at, nameOf(part), spanAt(part, file), 'table')
    const last = key.keys.at(-1)!
    const entry = { key: spanAt(last, file), value: convert(value, file, depth) }
    ;(at as Building).entries.set(nameOf(last), entry)
  }
}

const nameOf = (part: AST.TOMLBare | AST.TOMLQuoted): string =>
  part.type === 'TOMLBare' ? part.name : part.value

const spanAt = (node: { readonly range: readonly [number, number] }, file: SourceFile): Span =>
  spanOf(file, node.range[0], node.range[1])

function convert(node: AST.TOMLContentNode, file: SourceFile, depth: number): TomlNode {
  const span = spanAt(node, file)
  if (depth > TOML_LIMITS.depth)
    throw new DocumentError(`values are nested more than ${TOML_LIMITS.depth} levels deep`, span)
  switch (node.type) {
    case 'TOMLArray':
      return { kind: 'list', items: node.elements.map((item) => convert(item, file, depth + 1)), span }
    case 'TOMLInlineTable': {
      const table: Building = { kind: 'table', entries: new Map(), span }
      fill(table, node.body, file, depth + 1)
      return table
    }
    case 'TOMLValue':
      return { ...scalarOf(node), span }
    default:
      return node satisfies never
  }
}

function scalarOf(node: AST.TOMLValue): Omit<TomlValue, 'span'> {
  switch (node.kind) {
    case 'string':
      return { kind: 'text', text: node.value }
    case 'boolean':
      return { kind: 'bool', text: String(node.value) }
    case 'integer':
      return { kind: 'number', text: node.bigint.toString() }
    case 'float':
      return { kind: 'other', text: node.number }
    default:
      return { kind: 'other', text: node.datetime }
  }
}
