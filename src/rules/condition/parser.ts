/**
 * Parser of the condition language. Grammar (blanks: space, tab, CR, LF, backspace):
 *
 *   or    := and ('or' and)*          and := not ('and' not)*          not := 'not'* ( '(' or ')' | check | macro )
 *   check := operand ( 'exists' | numop (number | right) | strop (value | right)
 *                    | strop ('oneof'|'anyof'|'allof') list | listop (list | right) )
 *   operand := name('.'name)+ ['[' arg ']'] | transformer '(' args ')' ['[' arg ']']
 *   right := 'val(' field ')' | transformer call        list := '(' [value (',' value)*] ')' | name
 *
 * The boolean level keeps its own stack, so that nesting never reaches the JS stack.
 */
import type { ListModifier } from '../ir.ts'
import {
  type Ast,
  type At,
  type CheckNode,
  type FieldNode,
  type ListNode,
  type OperandListNode,
  type OperandNode,
  type RightNode,
  SPELLINGS,
  type Spelling,
  TRANSFORMERS,
  type TransformArgNode,
  type TransformerName,
  type TransformNode,
  type ValueNode,
} from './ast.ts'
import { ConditionError } from './error.ts'
import { readQuoted } from './quoting.ts'
import { didYouMean } from './suggest.ts'

/** Levels of parentheses, of operators in the tree, and of transformers. */
export const MAX_DEPTH = 1000

export const depthError = (at: At): ConditionError =>
  new ConditionError('syntax', `exceeded max depth limit of ${MAX_DEPTH}`, at)

/** Parse a whole condition. Throws ConditionError. Linear in the length of the text. */
export function parseCondition(text: string): Ast {
  const nul = text.indexOf('\0')
  if (nul >= 0) throw new ConditionError('syntax', 'unexpected NUL byte', { from: nul, to: nul + 1 })
  return new Parser(text, 0).condition()
}

/**
 * The longest field or transformer call that starts at `from`; undefined when there is none. A bracket that does not
 * hold a valid argument is not part of it.
 */
export function parseOperandPrefix(
  text: string,
  from: number,
): { node: OperandNode; end: number } | undefined {
  const parser = new Parser(text, from)
  try {
    const node = parser.operand()
    return node && { node, end: node.to }
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
  }
  const bare = new Parser(text, from).fieldName()
  return bare && { node: bare, end: bare.to }
}

/** An open parenthesis, or the whole condition: alternatives so far and the conjunction being read. */
interface Frame {
  readonly from: number
  /** Position of the first `not` or parenthesis, and whether the group is negated. */
  readonly negated: boolean
  readonly alternatives: Ast[]
  conjunction: Ast[]
  /** Levels of the deepest member of each. */
  depth: number
  conjunctionDepth: number
}

const NUMERIC = new Set<Spelling>(['<=', '<', '>=', '>'])
const LISTS = new Set<Spelling>(['in', 'intersects', 'pmatch'])
const SYMBOLS: readonly Spelling[] = ['<=', '<', '>=', '>', '==', '=', '!=']
const SPELLING_SET: ReadonlySet<string> = new Set(SPELLINGS)
const TRANSFORMER_SET: ReadonlySet<string> = new Set(TRANSFORMERS)
const MODIFIERS: ReadonlySet<string> = new Set(['oneof', 'anyof', 'allof'])
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'not'])

const NAME = /[A-Za-z][A-Za-z0-9_]*/y
const FIELD_NAME = /[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+/y
const NUMBER = /0[xX][0-9A-Za-z]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?/y
// POSIX [:space:] and the backspace; not \s, which has blanks of Unicode too.
const BARE = /[^()"' \t\n\v\f\r\b=,]+/y
const BARE_ARG = /[^[\]"' \t\n\v\f\r\b]+/y
const WORD = /[^()"' \t\n\v\f\r\b,]+/y

const BLANKS = new Set([0x20, 0x09, 0x0d, 0x0a, 0x08])

class Parser {
  readonly #text: string
  #at: number
  /** The last thing read, for messages. */
  #last = ''

  constructor(text: string, from: number) {
    this.#text = text
    this.#at = from
  }

  condition(): Ast {
    if (!this.#skipBlanks() && this.#text.length === 0) this.#fail('condition is empty')
    if (this.#at === this.#text.length) this.#fail('condition is empty')
    const frames: Frame[] = [newFrame(this.#at, false)]
    for (;;) {
      this.#skipBlanks()
      const from = this.#at
      const negated = this.#nots()
      if (this.#take('(')) {
        if (frames.length >= MAX_DEPTH) throw depthError({ from, to: this.#at })
        frames.push(newFrame(from, negated))
        continue
      }
      this.#add(frames.at(-1)!, this.#check(), 1, from, negated)
      const done = this.#afterCheck(frames)
      if (done) return done
    }
  }

  /** Closing parentheses and the connective that follow a check; the tree when the text ends. */
  #afterCheck(frames: Frame[]): Ast | undefined {
    for (;;) {
      this.#skipBlanks()
      const frame = frames.at(-1)!
      if (this.#connective('and')) return undefined
      if (this.#connective('or')) {
        closeConjunction(frame)
        return undefined
      }
      if (frames.length === 1) {
        if (this.#at === this.#text.length) return this.#close(frame).node
        this.#failWord(`unexpected token after '${this.#last}', expecting 'or', 'and'`)
      }
      if (!this.#take(')')) this.#failWord(`expected a ')' token`)
      frames.pop()
      const { node, depth } = this.#close(frame)
      this.#add(frames.at(-1)!, node, depth, frame.from, frame.negated)
    }
  }

  #close(frame: Frame): { node: Ast; depth: number } {
    closeConjunction(frame)
    const node = group('or', frame.alternatives)
    const depth = frame.depth + (frame.alternatives.length > 1 ? 1 : 0)
    if (depth > MAX_DEPTH) throw depthError(node)
    return { node, depth }
  }

  #add(frame: Frame, node: Ast, depth: number, from: number, negated: boolean): void {
    frame.conjunction.push(negated ? { kind: 'not', item: node, from, to: this.#at } : node)
    frame.conjunctionDepth = Math.max(frame.conjunctionDepth, depth + (negated ? 1 : 0))
  }

  /** Read `not`s; an odd number of them negates. */
  #nots(): boolean {
    let negated = false
    while (this.#text.startsWith('not', this.#at)) {
      const after = this.#text.charCodeAt(this.#at + 3)
      if (after !== 0x28 && !BLANKS.has(after)) break
      this.#at += 3
      this.#last = 'not'
      this.#skipBlanks()
      negated = !negated
    }
    return negated
  }

  #connective(word: 'and' | 'or'): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false
    const end = this.#at + word.length
    const after = this.#text.charCodeAt(end)
    if (after !== 0x28 && !BLANKS.has(after)) this.#failWord(`expected blank or '(' after '${word}'`)
    this.#at = end
    this.#last = word
    return true
  }

  #check(): Ast {
    const from = this.#at
    const left = this.operand()
    if (left) return this.#comparison(left, from)
    if (this.#text.startsWith('val(', from))
      this.#failWord(`'val()' stands only on the right-hand side of an operator`)
    const name = this.#match(NAME)
    if (name === undefined || KEYWORDS.has(name)) {
      this.#at = from
      this.#failWord(`expected a '(' token, a field check, or an identifier`)
    }
    return { kind: 'macro', name, from, to: this.#at }
  }

  #comparison(left: OperandNode, from: number): CheckNode {
    this.#skipBlanks()
    const opFrom = this.#at
    const op = this.#operator(left)
    const opAt = { from: opFrom, to: opFrom + op.length }
    let modifier: ListModifier | undefined
    let right: RightNode | undefined
    if (op !== 'exists') {
      this.#skipBlanks()
      if (!NUMERIC.has(op) && !LISTS.has(op)) modifier = this.#modifier()
      right = this.#right(op, modifier)
    }
    return { kind: 'check', left, op, opAt, modifier, right, from, to: this.#at }
  }

  #operator(left: OperandNode): Spelling {
    const symbol = SYMBOLS.find((s) => this.#text.startsWith(s, this.#at))
    if (symbol) {
      this.#at += symbol.length
      this.#last = symbol
      return symbol
    }
    const from = this.#at
    const word = this.#match(NAME)
    if (word === undefined || !SPELLING_SET.has(word)) {
      this.#at = from
      const hint = word === undefined ? undefined : didYouMean(word, SPELLINGS)
      const written = this.#text.slice(left.from, left.to)
      const shown = written.length > 60 ? `${written.slice(0, 57)}...` : written
      this.#failWord(`expected an operator after '${shown}': one of ${SPELLINGS.join(', ')}`, hint)
    }
    const op = word as Spelling
    const after = this.#text.charCodeAt(this.#at)
    const ends = op === 'exists' || BLANKS.has(after) || (LISTS.has(op) && after === 0x28)
    if (!ends) this.#fail(`expected a blank after '${op}'`)
    return op
  }

  /** `anyof` and its like are a modifier only where a list follows: alone they are a value. */
  #modifier(): ListModifier | undefined {
    const from = this.#at
    const last = this.#last
    const word = this.#match(NAME)
    if (word !== undefined && MODIFIERS.has(word)) {
      const blank = this.#skipBlanks()
      if (this.#text[this.#at] === '(') return word as ListModifier
      const at = this.#at
      const next = blank ? this.#match(NAME) : undefined
      this.#at = at
      if (next !== undefined && !KEYWORDS.has(next)) return word as ListModifier
    }
    this.#at = from
    this.#last = last
    return undefined
  }

  #right(op: Spelling, modifier: ListModifier | undefined): RightNode {
    if (modifier) return this.#list(false)
    const operand = this.#rightOperand()
    if (operand) return operand
    if (LISTS.has(op)) return this.#list(true)
    if (NUMERIC.has(op)) {
      const from = this.#at
      const text = this.#match(NUMBER)
      if (text === undefined) this.#failWord(`expected a number, val(field) or a transformer after '${op}'`)
      return { kind: 'value', text, form: 'number', from, to: this.#at }
    }
    return this.#value() ?? this.#failWord(`expected a value, val(field) or a transformer after '${op}'`)
  }

  #rightOperand(): OperandNode | undefined {
    const from = this.#at
    if (!this.#take('val(')) return this.#transform(1)
    this.#skipBlanks()
    const node = this.#field()
    if (!node) this.#failWord(`expected a field within 'val()'`)
    this.#skipBlanks()
    if (!this.#take(')')) this.#failWord(`expected a ')' token closing 'val('`)
    return { ...node, from, to: this.#at }
  }

  #list(operandAllowed: boolean): ListNode | ValueNode {
    const from = this.#at
    if (!this.#take('(')) {
      const text = this.#match(NAME)
      const what = operandAllowed
        ? 'a list, an identifier, val(field) or a transformer'
        : 'a list or an identifier'
      if (text === undefined) this.#failWord(`expected ${what}`)
      return { kind: 'value', text, form: 'text', from, to: this.#at }
    }
    const items: ValueNode[] = []
    this.#skipBlanks()
    if (this.#take(')')) return { kind: 'list', items, from, to: this.#at }
    for (;;) {
      this.#skipBlanks()
      items.push(this.#value() ?? this.#failWord('expected a value in the list'))
      this.#skipBlanks()
      if (this.#take(',')) continue
      if (!this.#take(')')) this.#failWord(`expected a ')' token`)
      return { kind: 'list', items, from, to: this.#at }
    }
  }

  #value(): ValueNode | undefined {
    const from = this.#at
    const quoted = this.#quoted()
    if (quoted !== undefined) return { kind: 'value', text: quoted, form: 'text', from, to: this.#at }
    const text = this.#match(BARE)
    return text === undefined ? undefined : { kind: 'value', text, form: 'text', from, to: this.#at }
  }

  #quoted(): string | undefined {
    const quote = this.#text[this.#at]
    if (quote !== '"' && quote !== "'") return undefined
    const { value, end } = readQuoted(this.#text, this.#at)
    this.#at = end
    this.#last = value
    return value
  }

  operand(depth = 1): OperandNode | undefined {
    return this.#transform(depth) ?? this.#field()
  }

  /** A field without its argument. */
  fieldName(): FieldNode | undefined {
    const from = this.#at
    const name = this.#match(FIELD_NAME)
    return name === undefined ? undefined : { kind: 'field', name, arg: undefined, from, to: this.#at }
  }

  #field(): FieldNode | undefined {
    const node = this.fieldName()
    if (!node || this.#text[this.#at] !== '[') return node
    const arg = this.#argument()
    return { ...node, arg, to: this.#at }
  }

  /** `[arg]`, undefined when there is no bracket. */
  #argument(): string | undefined {
    if (!this.#take('[')) return undefined
    const arg = this.#quoted() ?? this.#match(BARE_ARG)
    if (arg === undefined) this.#failWord('expected a field argument: a quoted string or a bare string')
    if (!this.#take(']')) this.#failWord(`expected a ']' token`)
    return arg
  }

  #transform(depth: number): TransformNode | undefined {
    const from = this.#at
    const last = this.#last
    const name = this.#match(NAME)
    if (name === undefined || !TRANSFORMER_SET.has(name) || !this.#take('(')) {
      this.#at = from
      this.#last = last
      return undefined
    }
    if (depth > MAX_DEPTH) throw depthError({ from, to: this.#at })
    const args: TransformArgNode[] = []
    for (;;) {
      this.#skipBlanks()
      args.push(this.#transformArg(depth))
      this.#skipBlanks()
      if (this.#take(',')) continue
      if (!this.#take(')')) this.#failWord(`expected a ')' token closing the transformer '${name}'`)
      break
    }
    const arg = this.#argument()
    return { kind: 'transform', name: name as TransformerName, args, arg, from, to: this.#at }
  }

  #transformArg(depth: number): TransformArgNode {
    const from = this.#at
    if (!this.#take('(')) return this.#transformItem(depth)
    const items: OperandListNode['items'][number][] = []
    for (;;) {
      this.#skipBlanks()
      items.push(this.#transformItem(depth))
      this.#skipBlanks()
      if (this.#take(',')) continue
      if (!this.#take(')')) this.#failWord(`expected a ')' token`)
      return { kind: 'list', items, from, to: this.#at }
    }
  }

  #transformItem(depth: number): OperandNode | ValueNode {
    const from = this.#at
    const quoted = this.#quoted()
    if (quoted !== undefined) return { kind: 'value', text: quoted, form: 'text', from, to: this.#at }
    const number = this.#match(NUMBER)
    if (number !== undefined) return { kind: 'value', text: number, form: 'number', from, to: this.#at }
    return (
      this.operand(depth + 1) ??
      this.#failWord('expected a field, a transformer, a number or a quoted string')
    )
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.#text)?.[0]
    if (text === undefined) return undefined
    this.#at += text.length
    this.#last = text
    return text
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    this.#last = text
    return true
  }

  #skipBlanks(): boolean {
    const from = this.#at
    while (BLANKS.has(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#at > from
  }

  #fail(message: string): never {
    throw new ConditionError('syntax', message, { from: this.#at, to: this.#at })
  }

  /** Fail at the word that stands here. */
  #failWord(message: string, hint?: string): never {
    const from = this.#at
    WORD.lastIndex = from
    const word = WORD.exec(this.#text)?.[0] ?? this.#text.slice(from, from + 1)
    throw new ConditionError('syntax', message, { from, to: from + word.length }, hint)
  }
}

const newFrame = (from: number, negated: boolean): Frame => ({
  from,
  negated,
  alternatives: [],
  conjunction: [],
  depth: 0,
  conjunctionDepth: 0,
})

function closeConjunction(frame: Frame): void {
  const depth = frame.conjunctionDepth + (frame.conjunction.length > 1 ? 1 : 0)
  frame.alternatives.push(group('and', frame.conjunction))
  frame.depth = Math.max(frame.depth, depth)
  frame.conjunction = []
  frame.conjunctionDepth = 0
}

const group = (kind: 'and' | 'or', items: readonly Ast[]): Ast =>
  items.length === 1 ? items[0]! : { kind, items, from: items[0]!.from, to: items.at(-1)!.to }
