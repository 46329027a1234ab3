/**
 * YAML text to a small tree of scalars, sequences and maps with positions. Every scalar is text: the rule reader knows
 * which keys are numbers or booleans. Hostile input is bounded: size, number of tokens, depth; an alias is the node it
 * names, so a tree of aliases costs what was written, not what it would expand to.
 */
import { Composer, type CST, isAlias, isMap, isScalar, isSeq, Lexer, Parser, type Range } from 'yaml'
import { DocumentError, type Span } from '../../diagnostics.ts'
import { type MappedText, mappedText, type SourceFile, spanOf } from '../../passes/mapped-text.ts'
import { type ScalarOffsets, type ScalarStyle, scalarOffsets } from './scalar-offsets.ts'

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly text: string
  /** Nothing was written, or `~` or `null`. */
  readonly isNull: boolean
  readonly span: Span
  /** The text with every offset mapped to the file. */
  readonly mapped: MappedText
}
export interface SeqNode {
  readonly kind: 'seq'
  readonly items: readonly Node[]
  readonly span: Span
}
export interface MapNode {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: Node; readonly value: Node }[]
  readonly span: Span
}
export type Node = ScalarNode | SeqNode | MapNode

/**
 * Limits of one file; `nodes` counts what aliases stand for, `aliased` the characters they add. The official rule pack has
 * 64 KB and a depth of 5.
 */
const YAML_LIMITS = { tokens: 1_000_000, nodes: 1_000_000, aliased: 1 << 20, depth: 64 } as const

/** The root of each document that is not empty, as it is read. Throws DocumentError. */
export function* readYaml(file: SourceFile): Generator<Node> {
  const nul = file.text.indexOf('\0')
  if (nul >= 0) throw new DocumentError('a NUL character is not allowed in YAML', spanOf(file, nul, nul + 1))
  // failsafe: no scalar is turned into a number or a date. Duplicate keys are judged by the rule reader.
  const composer = new Composer({
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  })
  const nodes = { count: 0, characters: 0 }
  for (const document of composer.compose(tokens(file))) {
    const error = document.errors[0]
    if (error)
      throw new DocumentError(
        yamlMessage(error.message),
        spanOf(file, ...error.pos),
        tabHint(file.text, error.pos[0]) ?? yamlHint(error.message),
      )
    if (document.contents !== null) yield convert(document.contents, { file, anchors: new Map(), nodes })
  }
}

/** Tokens, counted: `parser.stack` is the nesting at this place of the text. */
function* tokens(file: SourceFile): Generator<CST.Token> {
  const parser = new Parser()
  let count = 0
  for (const lexeme of new Lexer().lex(file.text)) {
    yield* parser.next(lexeme)
    const here = () => spanOf(file, parser.offset, parser.offset)
    if (++count > YAML_LIMITS.tokens)
      throw new DocumentError(`more than ${YAML_LIMITS.tokens} YAML tokens in one file`, here())
    if (parser.stack.length > YAML_LIMITS.depth)
      throw new DocumentError(`YAML nested more than ${YAML_LIMITS.depth} levels deep`, here())
  }
  yield* parser.end()
}

interface Conversion {
  readonly file: SourceFile
  readonly anchors: Map<string, { readonly node: Node } & Size>
  /** Converted up to now, what aliases stand for included. */
  readonly nodes: Size
}

interface Size {
  count: number
  characters: number
}

function convert(node: unknown, state: Conversion): Node {
  const { nodes } = state
  const { count, characters } = nodes
  const result = isAlias(node) ? resolve(node, state) : convertNode(node, state)
  if (++nodes.count > YAML_LIMITS.nodes)
    throw new DocumentError(`aliases make the file grow beyond ${YAML_LIMITS.nodes} values`, result.span)
  // Registered once complete, so an anchor cannot contain itself.
  const anchor = isScalar(node) || isSeq(node) || isMap(node) ? node.anchor : undefined
  if (anchor !== undefined)
    state.anchors.set(anchor, {
      node: result,
      count: nodes.count - count,
      characters: nodes.characters - characters,
    })
  return result
}

function resolve(alias: { readonly source: string; readonly range?: Range | null }, state: Conversion): Node {
  const { anchors, nodes, file } = state
  const target = anchors.get(alias.source)
  const span = (): Span => rangeSpan(alias.range, file)
  if (!target) throw new DocumentError(`no anchor '&${alias.source}' before this alias`, span())
  nodes.count += target.count
  nodes.characters += target.characters
  if (nodes.characters > file.text.length + YAML_LIMITS.aliased)
    throw new DocumentError(
      `aliases make the file grow by more than ${YAML_LIMITS.aliased >> 20} MiB`,
      span(),
    )
  return target.node
}

function convertNode(node: unknown, state: Conversion): Node {
  const { file } = state
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item, state))
    return { kind: 'seq', items, span: rangeSpan(node.range, file) }
  }
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }) => {
      const keyNode = convert(key, state)
      return { key: keyNode, value: value == null ? nullAt(keyNode.span) : convert(value, state) }
    })
    return { kind: 'map', entries, span: rangeSpan(node.range, file) }
  }
  if (!isScalar(node)) return nullAt(spanOf(file, 0, 0))
  const text = String(node.value ?? '')
  state.nodes.characters += text.length
  const style = STYLES[node.type ?? 'PLAIN'] ?? 'plain'
  const [from, to] = node.range ?? [0, 0]
  return {
    kind: 'scalar',
    text,
    isNull: style === 'plain' && node.tag === undefined && NULLS.has(text),
    span: spanOf(file, from, to),
    mapped: scalarText(file, from, to, style, text),
  }
}

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
}
const NULLS = new Set(['', '~', 'null', 'Null', 'NULL'])

const nullAt = (span: Span): ScalarNode => ({
  kind: 'scalar',
  text: '',
  isNull: true,
  span,
  mapped: mappedText('', () => span),
})

/** Offsets are worked out when the first position is asked for. */
function scalarText(
  file: SourceFile,
  from: number,
  to: number,
  style: ScalarStyle,
  text: string,
): MappedText {
  let offsets: ScalarOffsets | undefined
  return mappedText(text, (start, end) => {
    offsets ??= scalarOffsets(file.text, from, to, style, text)
    const first = offsets.starts[start] ?? offsets.ends[text.length - 1] ?? from
    // The end is where the last character ends: a following blank may stand lines further down.
    const last = end > start ? offsets.ends[Math.min(end, text.length) - 1]! : first
    return spanOf(file, first, last)
  })
}

const rangeSpan = (range: readonly number[] | null | undefined, file: SourceFile): Span =>
  spanOf(file, range?.[0] ?? 0, range?.[1] ?? range?.[0] ?? 0)

/** The parser names the construct it would have to be; nearly always a line is indented by mistake. */
/** What is wrong with a line that begins with a tab is seldom what the parser says of it. */
function tabHint(text: string, at: number): string | undefined {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1)
  return /^[ -]*\t/.test(line)
    ? 'this line is indented by a tab, which looks like blanks and is none: write blanks'
    : undefined
}

const yamlHint = (message: string): string | undefined =>
  /^Nested mappings|^Implicit keys|^All mapping items/.test(message)
    ? 'keys of one item stand in the same column: compare the indentation with that of the next line'
    : undefined

const yamlMessage = (message: string): string =>
  message
    .replace(/\s+/g, ' ')
    .replace('"quote', 'double quote')
    .replace("'quote", 'single quote')
    .replace(/[.:]$/, '')
