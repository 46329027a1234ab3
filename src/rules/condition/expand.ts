/** Lists are replaced in the text, before parsing; macros in the tree, after it. */
import type { Ast, CheckNode, MacroNode, RightNode, TransformArgNode } from './ast.ts'
import { ConditionError } from './error.ts'
import { depthError, MAX_DEPTH } from './parser.ts'
import { didYouMean } from './suggest.ts'

/** Checks and values that macros may add to a condition: macros that double each other grow without bound. */
export const MAX_NODES = 500_000
/** Characters (UTF-16) that lists may add to a condition. */
const MAX_TEXT = 4 * 1024 * 1024

/**
 * Replace every macro name by the macro's tree, recursively. `lookup` gives the macros visible from the condition;
 * `names` (for hints) are their names. Nodes of a macro get the offsets of its use.
 * Throws ConditionError at the place of use for an unknown macro, a reference loop or an expansion without end.
 */
export function expandMacros(
  ast: Ast,
  lookup: (name: string) => Ast | undefined,
  names: Iterable<string> = [],
): Ast {
  return new Expansion(lookup, names).expand(ast, undefined, 1)
}

interface Use {
  readonly from: number
  readonly to: number
  readonly macro: string
}

class Expansion {
  readonly #lookup: (name: string) => Ast | undefined
  readonly #names: Iterable<string>
  readonly #open = new Set<string>()
  #nodes = 0

  constructor(lookup: (name: string) => Ast | undefined, names: Iterable<string>) {
    this.#lookup = lookup
    this.#names = names
  }

  /** `use`: the outermost macro this tree comes from. */
  expand(ast: Ast, use: Use | undefined, depth: number): Ast {
    if (depth > MAX_DEPTH + 1) throw depthError(use ?? ast)
    if (use) this.#count(ast, use)
    switch (ast.kind) {
      case 'check':
        return use ? moved(ast, use) : ast
      case 'not':
        return { ...ast, ...use, item: this.expand(ast.item, use, depth + 1) }
      case 'and':
      case 'or': {
        const items: Ast[] = []
        for (const item of ast.items) items.push(this.expand(item, use, depth + 1))
        return { ...ast, ...use, items }
      }
      case 'macro':
        return this.#macro(ast, use, depth)
      default:
        return ast satisfies never
    }
  }

  /** Only what macros add counts: what is written out is its own limit. */
  #count(ast: Ast, use: Use): void {
    this.#nodes += ast.kind === 'check' && ast.right?.kind === 'list' ? 1 + ast.right.items.length : 1
    if (this.#nodes > MAX_NODES)
      throw new ConditionError('macro', `condition grows beyond ${MAX_NODES} values by its macros`, use)
  }

  #macro(node: MacroNode, use: Use | undefined, depth: number): Ast {
    const { name, from, to } = node
    if (this.#open.has(name))
      throw new ConditionError('macro', `reference loop in macro '${name}'`, use ?? node)
    const body = this.#lookup(name)
    if (!body) {
      const hint = didYouMean(name, this.#names)
      throw new ConditionError('macro', `Undefined macro '${name}' used in filter.`, use ?? node, hint)
    }
    this.#open.add(name)
    const expanded = this.expand(body, use ?? { from, to, macro: name }, depth + 1)
    this.#open.delete(name)
    return expanded
  }
}

/** The check as if it were written where its macro is used. */
function moved(check: CheckNode, use: Use): CheckNode {
  const { left, opAt, right } = check
  return {
    ...check,
    ...use,
    left: movedNode(left, use),
    opAt: { ...opAt, ...use },
    right: right && movedNode(right, use),
  }
}

function movedNode<N extends RightNode | TransformArgNode>(node: N, use: Use): N {
  if (node.kind === 'list') return { ...node, ...use, items: node.items.map((item) => movedNode(item, use)) }
  if (node.kind === 'transform') return { ...node, ...use, args: node.args.map((arg) => movedNode(arg, use)) }
  return { ...node, ...use }
}

export interface NamedList {
  readonly name: string
  /** Scalars as written in the rule file. */
  readonly items: readonly string[]
}

export interface ExpandedText {
  readonly text: string
  /** Names of the lists that were used. */
  readonly used: ReadonlySet<string>
  /** The piece of the original text that a piece of the expanded text comes from; a list item maps to the list's name. */
  readonly toOriginal: (from: number, to: number) => { from: number; to: number }
}

/** Pieces of one pass, in order: `[from, to)` of the text before became `length` characters at `at`. */
interface Edit {
  readonly from: number
  readonly to: number
  readonly at: number
  readonly length: number
}

/**
 * Replace list names by their items, joined with ", ". A name counts where the text's ends, a blank, or one of `( ) , =`
 * delimit it; quotes make no difference. Lists apply in the given order, once each, so the items of one may name a later
 * one. Items with a blank are quoted. An empty list takes an adjacent comma with it.
 */
export function expandLists(text: string, lists: Iterable<NamedList>): ExpandedText {
  const passes: (readonly Edit[])[] = []
  const used = new Set<string>()
  let current = text
  for (const list of lists) {
    if (list.name === '' || !current.includes(list.name)) continue
    const pass = replaceList(current, list)
    if (!pass) continue
    if (pass.text.length > text.length + MAX_TEXT)
      throw new ConditionError('syntax', `list '${list.name}' makes the condition too long`, {
        from: 0,
        to: text.length,
      })
    current = pass.text
    passes.push(pass.edits)
    used.add(list.name)
  }
  const toOriginal = (from: number, to: number): { from: number; to: number } => {
    let piece = { from, to }
    for (let i = passes.length - 1; i >= 0; i--) piece = mapBack(passes[i]!, piece.from, piece.to)
    return piece
  }
  return { text: current, used, toOriginal }
}

const BLANK = ' \t\r\n'
const DELIMITER = `${BLANK}(),=`

function replaceList(text: string, list: NamedList): { text: string; edits: Edit[] } | undefined {
  const insert = list.items.map(quoteItem).join(', ')
  const edits: Edit[] = []
  let out = ''
  let copied = 0
  for (let at = text.indexOf(list.name); at >= 0; at = text.indexOf(list.name, at + 1)) {
    const end = at + list.name.length
    if (at < copied || !delimits(text, at - 1) || !delimits(text, end)) continue
    const [from, to] = list.items.length === 0 ? withComma(text, at, end, copied) : [at, end]
    out += text.slice(copied, from)
    edits.push({ from, to, at: out.length, length: insert.length })
    out += insert
    copied = to
    if (out.length > text.length + MAX_TEXT) break
  }
  return edits.length === 0 ? undefined : { text: out + text.slice(copied), edits }
}

const quoteItem = (item: string): string =>
  /[ \t\r\n]/.test(item) && !/^["']/.test(item) ? `"${item}"` : item

const delimits = (text: string, at: number): boolean =>
  at < 0 || at >= text.length || DELIMITER.includes(text[at]!)

/** Widen the place of an empty list by the comma before it, else the one behind it. */
function withComma(text: string, from: number, to: number, least: number): [number, number] {
  let left = from
  while (left > least && BLANK.includes(text[left - 1]!)) left--
  if (left > least && text[left - 1] === ',') return [left - 1, to]
  let right = to
  while (right < text.length && BLANK.includes(text[right]!)) right++
  return text[right] === ',' ? [from, right + 1] : [from, to]
}

function mapBack(edits: readonly Edit[], from: number, to: number): { from: number; to: number } {
  const start = mapOffset(edits, from, false)
  return { from: start, to: Math.max(start, to > from ? mapOffset(edits, to, true) : start) }
}

/** An offset inside inserted text becomes the start of what it replaced, or its end. */
function mapOffset(edits: readonly Edit[], offset: number, end: boolean): number {
  let low = 0
  let high = edits.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (end ? edits[middle]!.at < offset : edits[middle]!.at <= offset) low = middle + 1
    else high = middle
  }
  const edit = edits[low - 1]
  if (!edit) return offset
  const behind = offset - (edit.at + edit.length)
  if (end ? behind <= 0 : behind < 0) return end ? edit.to : edit.from
  return edit.to + behind
}
