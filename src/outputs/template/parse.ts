/** From tokens to a tree: the actions, pipelines and variables of Go's text/template. */
import { lex, TemplateError, type Token } from './lex.ts'

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean | null }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string; readonly at: number }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }

/** An operand with fields behind it: `.Event.Args`, `$x.Name`, `(index . 0).Value`. */
export interface Term {
  readonly operand: Operand
  readonly fields: readonly string[]
  readonly at: number
}

/** A function or a value, with arguments. */
export type Command = readonly Term[]

export interface Pipeline {
  readonly commands: readonly Command[]
  /** Variables that take the value, or with `range` key and value. */
  readonly variables: readonly string[]
  /** They are new, not changed. */
  readonly declares: boolean
  readonly at: number
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipeline: Pipeline
      readonly body: readonly Node[]
      readonly otherwise: readonly Node[]
    }
  | {
      readonly kind: 'template'
      readonly name: string
      readonly pipeline: Pipeline | undefined
      readonly at: number
    }
  | { readonly kind: 'break' | 'continue' }

export interface Tree {
  readonly source: string
  readonly body: readonly Node[]
  /** By name. */
  readonly defined: ReadonlyMap<string, readonly Node[]>
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'if',
  'else',
  'end',
  'range',
  'with',
  'define',
  'template',
  'block',
  'break',
  'continue',
])

/** Deeper nesting is nobody's template. */
const DEEPEST = 64

/** Parse a template; `functions` are the names it may call. Throws TemplateError. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Tree {
  const parser = new Parser(source, functions)
  const body = parser.list('end of template').nodes
  for (const { name, at } of parser.called)
    if (!parser.defined.has(name))
      throw new TemplateError(
        source,
        at,
        `template "${name}" is not defined`,
        `{{define "${name}"}} defines it`,
      )
  return { source, body, defined: parser.defined }
}

class Parser {
  readonly defined = new Map<string, readonly Node[]>()
  readonly called: { readonly name: string; readonly at: number }[] = []
  readonly #source: string
  readonly #functions: ReadonlySet<string>
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0
  #ranges = 0
  /** Names that may be used where we are. */
  #variables: string[] = ['$']

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source
    this.#functions = functions
    this.#tokens = lex(source)
  }

  /** Nodes up to `{{end}}` or `{{else}}`, or to the end of the template. */
  list(within: string): { readonly nodes: readonly Node[]; readonly ended: 'end' | 'else' | undefined } {
    if (++this.#depth > DEEPEST) throw this.#error('actions are nested too deeply')
    const nodes: Node[] = []
    for (;;) {
      const token = this.#take()
      if (token === undefined) {
        if (within !== 'end of template') throw this.#error(`${within} is not closed`, '{{end}} closes it')
        break
      }
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      this.#blank()
      const word = this.#peek()
      if (word?.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
        if (within === 'end of template') throw this.#error(`unexpected {{${word.text}}}`)
        this.#take()
        if (word.text === 'end') this.#close()
        this.#depth--
        return { nodes, ended: word.text }
      }
      const node = this.#action()
      if (node !== undefined) nodes.push(node)
    }
    this.#depth--
    return { nodes, ended: undefined }
  }

  #action(): Node | undefined {
    const token = this.#peek()
    if (token?.kind !== 'word' || !KEYWORDS.has(token.text)) {
      const pipeline = this.#pipeline(false)
      this.#close()
      return { kind: 'action', pipeline }
    }
    this.#take()
    this.#blank()
    switch (token.text) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(token.text)
      case 'define':
        this.#define()
        return undefined
      case 'template':
      case 'block':
        return this.#call(token)
      default:
        if (this.#ranges === 0) throw this.#error(`{{${token.text}}} outside of {{range}}`)
        this.#close()
        return { kind: token.text as 'break' | 'continue' }
    }
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const outside = this.#variables
    this.#variables = [...outside]
    const pipeline = this.#pipeline(kind === 'range')
    this.#close()
    if (kind === 'range') this.#ranges++
    const inside = this.#variables
    const { nodes, ended } = this.list(`{{${kind}}}`)
    if (kind === 'range') this.#ranges--
    this.#variables = [...inside.slice(0, outside.length), ...pipeline.variables]
    const otherwise = ended === 'else' ? this.#otherwise(kind) : []
    this.#variables = outside
    return { kind, pipeline, body: nodes, otherwise }
  }

  #otherwise(kind: 'if' | 'with' | 'range'): readonly Node[] {
    this.#blank()
    const word = this.#peek()
    if (word?.kind === 'word' && (word.text === 'if' || word.text === 'with') && kind !== 'range') {
      this.#take()
      this.#blank()
      return [this.#control(word.text)]
    }
    this.#close()
    const { nodes, ended } = this.list('{{else}}')
    if (ended === 'else') throw this.#error('a second {{else}}')
    return nodes
  }

  #define(): void {
    const name = this.#name()
    this.#close()
    const outside = this.#variables
    const ranges = this.#ranges
    this.#variables = ['$']
    this.#ranges = 0
    this.defined.set(name, this.#whole('{{define}}'))
    this.#variables = outside
    this.#ranges = ranges
  }

  /** A body without {{else}}. */
  #whole(within: string): readonly Node[] {
    const { nodes, ended } = this.list(within)
    if (ended === 'else') throw this.#error(`{{else}} in ${within}`)
    return nodes
  }

  #call(token: Token): Node {
    const name = this.#name()
    this.#blank()
    const pipeline = this.#peek()?.kind === 'close' ? undefined : this.#pipeline(false)
    this.#close()
    if (token.text === 'block') {
      const outside = this.#variables
      this.#variables = ['$']
      this.defined.set(name, this.#whole('{{block}}'))
      this.#variables = outside
    } else this.called.push({ name, at: token.at })
    return { kind: 'template', name, pipeline, at: token.at }
  }

  #name(): string {
    const token = this.#take()
    if (token?.kind !== 'string') throw this.#error('the name of a template in quotes is missing')
    return token.text
  }

  /** `$a := ...`, `$k, $v := range`, or just commands. */
  #pipeline(range: boolean): Pipeline {
    this.#blank()
    const at = this.#here()
    const variables = this.#declaration(range)
    const commands: Command[] = []
    for (;;) {
      commands.push(this.#command())
      this.#blank()
      if (this.#peek()?.kind !== 'pipe') break
      this.#take()
      this.#blank()
    }
    for (const command of commands.slice(1))
      if (command[0]!.operand.kind !== 'function')
        throw this.#error('only a function can follow a |', 'as in .Name | upper')
    const { names, declares } = variables
    if (declares) this.#variables.push(...names)
    return { commands, variables: names, declares, at }
  }

  #declaration(range: boolean): { readonly names: readonly string[]; readonly declares: boolean } {
    const from = this.#at
    const names: string[] = []
    while (this.#peek()?.kind === 'variable') {
      names.push(this.#take()!.text)
      this.#blank()
      if (this.#peek()?.kind === 'comma' && range && names.length === 1) {
        this.#take()
        this.#blank()
        continue
      }
      if (this.#peek()?.kind !== 'assign') break
      const declares = this.#take()!.text === ':='
      this.#blank()
      if (!declares) for (const name of names) this.#known(name)
      return { names, declares }
    }
    this.#at = from
    return { names: [], declares: false }
  }

  #command(): Command {
    const terms: Term[] = []
    for (;;) {
      this.#blank()
      const token = this.#peek()
      if (token === undefined || token.kind === 'close' || token.kind === 'pipe') break
      if (token.kind === 'paren' && token.text === ')') break
      terms.push(this.#term())
    }
    const [first] = terms
    if (first === undefined) throw this.#error('a value is missing')
    if (terms.length > 1 && (first.operand.kind !== 'function' || first.fields.length > 0))
      throw this.#error('only functions take arguments')
    return terms
  }

  #term(): Term {
    const at = this.#here()
    const token = this.#take()!
    const fields: string[] = []
    let operand: Operand
    if (token.kind === 'field') {
      operand = { kind: 'dot' }
      fields.push(token.text.slice(1))
    } else operand = this.#operand(token)
    while (this.#peek()?.kind === 'field') fields.push(this.#take()!.text.slice(1))
    return { operand, fields, at }
  }

  #operand(token: Token): Operand {
    switch (token.kind) {
      case 'dot':
        return { kind: 'dot' }
      case 'variable':
        this.#known(token.text)
        return { kind: 'variable', name: token.text }
      case 'string':
        return { kind: 'literal', value: token.text }
      case 'number':
        return { kind: 'literal', value: numberOf(token.text) }
      case 'word':
        return this.#word(token)
      case 'paren': {
        if (token.text === ')') break
        const pipeline = this.#pipeline(false)
        this.#blank()
        if (this.#take()?.text !== ')') throw this.#error('a ) is missing')
        return { kind: 'pipeline', pipeline }
      }
      default:
    }
    throw new TemplateError(this.#source, token.at, `unexpected ${JSON.stringify(token.text)}`)
  }

  #word({ text, at }: Token): Operand {
    if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' }
    if (text === 'nil') return { kind: 'literal', value: null }
    if (!this.#functions.has(text))
      throw new TemplateError(
        this.#source,
        at,
        `function "${text}" is not defined`,
        `functions: ${[...this.#functions].sort().join(', ')}`,
      )
    return { kind: 'function', name: text, at }
  }

  #known(name: string): void {
    if (!this.#variables.includes(name)) throw this.#error(`variable ${name} is not defined`)
  }

  #blank(): void {
    while (this.#peek()?.kind === 'space') this.#at++
  }
  #close(): void {
    this.#blank()
    const token = this.#take()
    if (token?.kind !== 'close')
      throw new TemplateError(
        this.#source,
        token?.at ?? this.#source.length,
        `unexpected ${JSON.stringify(token?.text ?? 'end')}`,
      )
  }
  #peek(): Token | undefined {
    return this.#tokens[this.#at]
  }
  #take(): Token | undefined {
    return this.#tokens[this.#at++]
  }
  #here(): number {
    return this.#peek()?.at ?? this.#source.length
  }
  #error(message: string, hint?: string): TemplateError {
    const at = this.#tokens[Math.min(this.#at, this.#tokens.length) - 1]?.at ?? 0
    return new TemplateError(this.#source, at, message, hint)
  }
}

function numberOf(text: string): number | bigint {
  const number = Number(text.replace(/^\+/, ''))
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(text) : number
}
