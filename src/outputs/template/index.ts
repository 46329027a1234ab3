/**
 * Go's text/template, as far as templates of events go: fields, pipelines, variables, `if`, `range`, `with`, `define`,
 * `template`, `block`, Go's functions and common ones of sprig. Nothing of the machine can be reached from a template but
 * the data it is given and the clock. What data holds never steers a terminal or ends a line (values.ts).
 */
import { FUNCTIONS, valueAt } from './functions.ts'
import { TemplateError } from './lex.ts'
import {
  type Command,
  type Node,
  type Operand,
  type Pipeline,
  parseTemplate,
  type Term,
  type Tree,
} from './parse.ts'
import { incoming, isMap, isOpen, isTrue, outgoing, textOf, type Value } from './values.ts'

export { TemplateError } from './lex.ts'
export { openMap, type Value } from './values.ts'

/** Longest text a template makes, templates within templates, and steps of an execution. */
const LONGEST = 1 << 22
const DEEPEST = 64
const MOST_STEPS = 1 << 20

/**
 * Compile a template. Throws TemplateError, as does the function it gives when data does not fit. `now`: the time a template
 * is told, by default that of the machine.
 */
export function compileTemplate(source: string, now?: () => Date): (data: Value) => string {
  const tree = parseTemplate(source, new Set(FUNCTIONS.keys()))
  return (data) => new Execution(tree, now).run(incoming(data))
}

type Flow = 'break' | 'continue' | undefined

/** Variables where we are: a new one hides an older one of its name. */
interface Scope {
  readonly names: Map<string, Value>
  readonly above: Scope | undefined
}

class Execution {
  readonly #tree: Tree
  readonly #parts: string[] = []
  #length = 0
  #steps = 0
  #depth = 0

  readonly #now: (() => Date) | undefined

  constructor(tree: Tree, now: (() => Date) | undefined) {
    this.#tree = tree
    this.#now = now
  }

  run(data: Value): string {
    this.#list(this.#tree.body, data, { names: new Map([['$', data]]), above: undefined })
    return this.#parts.join('')
  }

  #write(text: string): void {
    this.#length += text.length
    if (this.#length > LONGEST) throw new TemplateError(this.#tree.source, 0, 'the text gets too long')
    this.#parts.push(text)
  }

  #list(nodes: readonly Node[], dot: Value, scope: Scope): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot, scope)
      if (flow !== undefined) return flow
    }
    return undefined
  }

  #node(node: Node, dot: Value, scope: Scope): Flow {
    switch (node.kind) {
      case 'text':
        this.#write(node.text)
        return undefined
      case 'action': {
        const value = this.#pipeline(node.pipeline, dot, scope)
        if (node.pipeline.variables.length > 0) this.#assign(node.pipeline, [value], scope)
        else this.#write(outgoing(textOf(value)))
        return undefined
      }
      case 'if':
      case 'with': {
        const inner = { names: new Map<string, Value>(), above: scope }
        const value = this.#pipeline(node.pipeline, dot, inner)
        this.#assign(node.pipeline, [value], inner)
        const then = node.kind === 'with' ? value : dot
        return isTrue(value) ? this.#list(node.body, then, inner) : this.#list(node.otherwise, dot, inner)
      }
      case 'range':
        return this.#range(node, dot, scope)
      case 'template':
        return this.#template(node, dot, scope)
      case 'break':
      case 'continue':
        return node.kind
      default:
        return node satisfies never
    }
  }

  #range(node: Node & { readonly kind: 'if' | 'with' | 'range' }, dot: Value, scope: Scope): Flow {
    const { pipeline, body, otherwise } = node
    const items = entriesOf(this.#pipeline(pipeline, dot, scope))
    if (items === undefined) throw this.#error(pipeline.at, 'range needs a list, a map or a number')
    if (items.length === 0) return this.#list(otherwise, dot, scope)
    for (const [key, value] of items) {
      const inner = { names: new Map<string, Value>(), above: scope }
      this.#assign(pipeline, pipeline.variables.length === 1 ? [value] : [key, value], inner)
      if (this.#list(body, value, inner) === 'break') break
    }
    return undefined
  }

  #template(node: Node & { readonly kind: 'template' }, dot: Value, scope: Scope): undefined {
    const { name, pipeline, at } = node
    const data = pipeline === undefined ? undefined : this.#pipeline(pipeline, dot, scope)
    if (++this.#depth > DEEPEST) throw this.#error(at, `template "${name}" calls itself too often`)
    this.#list(this.#tree.defined.get(name)!, data, { names: new Map([['$', data]]), above: undefined })
    this.#depth--
  }

  #assign({ variables, declares }: Pipeline, values: readonly Value[], scope: Scope): void {
    for (const [i, name] of variables.entries()) {
      let owner: Scope | undefined = scope
      if (!declares) while (owner !== undefined && !owner.names.has(name)) owner = owner.above
      ;(owner ?? scope).names.set(name, values[i])
    }
  }

  #pipeline({ commands }: Pipeline, dot: Value, scope: Scope): Value {
    let value: Value
    for (const [i, command] of commands.entries())
      value = this.#command(command, dot, scope, i === 0 ? [] : [value])
    return value
  }

  /** `piped` is the value of the command before, the last argument of this one. */
  #command(command: Command, dot: Value, scope: Scope, piped: readonly Value[]): Value {
    if (++this.#steps > MOST_STEPS) throw this.#error(command[0]!.at, 'the template takes too many steps')
    const [first, ...rest] = command as readonly [Term, ...Term[]]
    if (first.operand.kind !== 'function') return this.#term(first, dot, scope)
    const { name, at } = first.operand
    const args: Value[] = []
    for (const term of rest) {
      const value = this.#term(term, dot, scope)
      args.push(value)
      // What does not matter any more is not looked at, as in Go.
      if ((name === 'and' && !isTrue(value)) || (name === 'or' && isTrue(value))) return value
    }
    return this.#fields(first, this.#call(name, at, [...args, ...piped]))
  }

  #call(name: string, at: number, args: readonly Value[]): Value {
    try {
      return name === 'now' && this.#now !== undefined ? this.#now() : FUNCTIONS.get(name)!(args)
    } catch (error) {
      if (error instanceof TemplateError) throw error
      throw this.#error(at, `${name}: ${(error as Error).message}`)
    }
  }

  #term(term: Term, dot: Value, scope: Scope): Value {
    return this.#fields(term, this.#operand(term.operand, dot, scope))
  }

  #operand(operand: Operand, dot: Value, scope: Scope): Value {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'dot':
        return dot
      case 'variable':
        return lookUp(operand.name, scope)
      case 'function':
        return this.#call(operand.name, operand.at, [])
      case 'pipeline':
        return this.#pipeline(operand.pipeline, dot, scope)
      default:
        return operand satisfies never
    }
  }

  #fields({ fields, at }: Term, value: Value): Value {
    let found = value
    for (const name of fields) {
      if (found === undefined || found === null)
        throw this.#error(at, `there is no value with a field ${name}`)
      if (!isMap(found)) throw this.#error(at, `${typeof found} has no field ${name}`)
      if (!isOpen(found) && !Object.hasOwn(found, name))
        throw this.#error(at, `there is no field ${name}`, `fields: ${Object.keys(found).join(', ')}`)
      found = valueAt(found, name)
    }
    return found
  }

  #error(at: number, message: string, hint?: string): TemplateError {
    return new TemplateError(this.#tree.source, at, message, hint)
  }
}

function lookUp(name: string, scope: Scope): Value {
  let at: Scope | undefined = scope
  while (at !== undefined) {
    if (at.names.has(name)) return at.names.get(name)
    at = at.above
  }
  return undefined
}

/** Keys and values that a range goes through; undefined for what has none. */
function entriesOf(value: Value): readonly (readonly [Value, Value])[] | undefined {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map((item: Value, i) => [i, item] as const)
  if (isMap(value)) return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  if (typeof value === 'number' && Number.isInteger(value))
    return Array.from({ length: Math.min(Math.max(value, 0), 1 << 16) }, (_, i) => [i, i] as const)
  return undefined
}
