/**
 * The filter expressions of Tracee v0.7, one at a time: `NAME[OP VALUE,...]`. Each becomes a clause; what clauses mean
 * together is decided in filter.ts.
 *
 *     event=openat,exec*   set=fs   pid>100   uid=0   comm=nginx   uts=web   mntns!=4026531840   tree=1   container=new
 *     !container   follow   openat.pathname=/tmp*   connect.retval<0
 */
import { didYouMean } from '../rules/condition/suggest.ts'

/** What is wrong with an expression, as offsets into it. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  readonly expression: string
  /** UTF-16 offsets; `to` is exclusive. */
  readonly from: number
  readonly to: number
  readonly hint: string | undefined

  constructor(expression: string, message: string, at: Place, hint?: string) {
    super(message)
    this.expression = expression
    this.from = at.from
    this.to = at.to
    this.hint = hint
  }
}

export interface Place {
  readonly from: number
  readonly to: number
}

/** A value as written, and where. */
export interface Word extends Place {
  readonly text: string
}

export type Operator = '=' | '!=' | '<' | '>'
export const NUMBER_SCOPES = ['pid', 'uid', 'mntns', 'pidns'] as const
export type NumberScope = (typeof NUMBER_SCOPES)[number]

export type Clause = { readonly expression: string } & (
  | { readonly kind: 'event'; readonly not: boolean; readonly names: readonly Word[] }
  | { readonly kind: 'set'; readonly names: readonly Word[] }
  | {
      readonly kind: 'number'
      readonly scope: NumberScope
      readonly op: Operator
      readonly values: readonly number[]
    }
  | {
      readonly kind: 'text'
      readonly scope: 'comm' | 'uts'
      readonly not: boolean
      readonly values: readonly string[]
    }
  | { readonly kind: 'new'; readonly scope: 'pid' | 'container'; readonly not: boolean }
  | { readonly kind: 'tree'; readonly not: boolean; readonly pids: readonly number[] }
  | { readonly kind: 'in-container'; readonly not: boolean }
  | { readonly kind: 'container'; readonly not: boolean; readonly ids: readonly string[] }
  | { readonly kind: 'follow' }
  | {
      readonly kind: 'argument'
      readonly event: Word
      readonly argument: Word
      readonly not: boolean
      readonly values: readonly string[]
    }
  | {
      readonly kind: 'retval'
      readonly event: Word
      readonly op: Operator
      readonly values: readonly number[]
    }
)

/** The parts of an expression. */
interface Parts {
  readonly expression: string
  readonly name: Word
  /** Undefined when nothing but a name was written. */
  readonly op: (Place & { readonly text: Operator }) | undefined
  readonly values: readonly Word[]
}

/** Words an expression may begin with; those that have a letter to themselves may be shortened. */
const NAMES = [
  'event',
  'set',
  'pid',
  'uid',
  'comm',
  'uts',
  'mntns',
  'pidns',
  'tree',
  'container',
  'follow',
] as const
type Name = (typeof NAMES)[number]
/** In the order in which an abbreviation is looked for: `c` is container, `p` is pid. */
const SHORTENED: readonly Name[] = ['container', 'event', 'pid', 'set', 'uid', 'follow']

const UINT32_MAX = 2n ** 32n - 1n
const UINT64_MAX = 2n ** 64n - 1n
const INT64_MAX = 2n ** 63n - 1n
const INVALID = "invalid filter option specified, use '--trace help' for more info"
/** An operator or its values are missing. */
const UNFINISHED = 'invalid operator and/or values given to filter'

/** Parse one expression. Throws FilterError. */
export function parseExpression(expression: string): Clause {
  const parts = split(expression)
  const { name } = parts
  // A value may hold anything, so only the name decides.
  if (name.text.includes('.')) return eventClause(parts)
  if (name.text.length > 1 && '!container'.startsWith(name.text)) {
    withoutValue(parts)
    return { kind: 'in-container', not: true, expression }
  }
  const known = nameOf(name.text)
  if (known === undefined)
    throw new FilterError(
      expression,
      INVALID,
      name,
      didYouMean(name.text, NAMES) ?? `an expression begins with ${NAMES.join(', ')} or EVENT.`,
    )
  return scopeClause(known, parts)
}

const nameOf = (text: string): Name | undefined =>
  NAMES.find((name) => name === text) ??
  (text === '' ? undefined : SHORTENED.find((name) => name.startsWith(text)))

function split(expression: string): Parts {
  // The first character may be the `!` of `!container`.
  const at = expression.slice(1).search(/[=!<>]/) + 1
  if (at === 0) return { expression, name: word(expression, 0, expression.length), op: undefined, values: [] }
  const name = word(expression, 0, at)
  const two = expression.startsWith('!=', at)
  if (expression[at] === '!' && !two) {
    const rest = expression.slice(at)
    const message =
      rest.length < 3 ? `${UNFINISHED}: ${rest}` : `invalid filter operator: ${rest.slice(0, 2)}`
    throw new FilterError(expression, message, { from: at, to: at + 1 }, 'not equal is !=')
  }
  const from = at + (two ? 2 : 1)
  const op = { text: expression.slice(at, from) as Operator, from: at, to: from }
  const values: Word[] = []
  for (let start = from; start <= expression.length; ) {
    const comma = expression.indexOf(',', start)
    const end = comma < 0 ? expression.length : comma
    values.push(word(expression, start, end))
    start = end + 1
  }
  return { expression, name, op, values }
}

const word = (expression: string, from: number, to: number): Word => ({
  text: expression.slice(from, to),
  from,
  to,
})

function scopeClause(name: Name, parts: Parts): Clause {
  const { expression } = parts
  switch (name) {
    case 'event':
      return { kind: 'event', not: negated(parts), names: texts(parts), expression }
    case 'set':
      operator(parts, ['='])
      return { kind: 'set', names: texts(parts), expression }
    case 'pid':
      if (isNew(parts)) return { kind: 'new', scope: 'pid', not: negated(parts), expression }
      return numberClause('pid', parts)
    case 'uid':
    case 'mntns':
    case 'pidns':
      return numberClause(name, parts)
    case 'comm':
    case 'uts':
      return {
        kind: 'text',
        scope: name,
        not: negated(parts),
        values: texts(parts).map(({ text }) => text),
        expression,
      }
    case 'tree':
      return treeClause(parts)
    case 'container':
      return containerClause(parts)
    case 'follow':
      withoutValue(parts)
      return { kind: 'follow', expression }
    default:
      return name satisfies never
  }
}

function containerClause(parts: Parts): Clause {
  const { expression, op, values } = parts
  if (op === undefined) return { kind: 'in-container', not: false, expression }
  if (isNew(parts)) return { kind: 'new', scope: 'container', not: negated(parts), expression }
  const not = negated(parts)
  for (const value of values)
    if (!/^[0-9a-f]{1,64}$/.test(value.text))
      throw new FilterError(
        expression,
        `invalid container id: ${value.text}`,
        value,
        "the beginning of a container's id, in hexadecimal digits, or new",
      )
  return { kind: 'container', not, ids: values.map(({ text }) => text), expression }
}

/** `EVENT.ARGUMENT` and `EVENT.retval`. */
function eventClause(parts: Parts): Clause {
  const { expression, name } = parts
  const dot = name.text.indexOf('.')
  const event = word(expression, name.from, name.from + dot)
  const argument = word(expression, name.from + dot + 1, name.to)
  if (argument.text.includes('.')) {
    const what = name.text.includes('.retval') ? 'retval' : 'argument'
    throw new FilterError(
      expression,
      `invalid ${what} filter format ${expression}`,
      argument,
      'EVENT.ARGUMENT=VALUE',
    )
  }
  if (argument.text === 'retval')
    return {
      kind: 'retval',
      event,
      op: comparison(parts),
      values: integers(parts),
      expression,
    }
  const not = negated(parts)
  return { kind: 'argument', event, argument, not, values: texts(parts).map(({ text }) => text), expression }
}

function withoutValue({ expression, name, op }: Parts): void {
  if (op !== undefined) throw new FilterError(expression, INVALID, op, `${name.text} takes no value`)
}

const isNew = ({ values }: Parts): boolean => values.length === 1 && values[0]!.text === 'new'

/** The operator, if it is one of these. */
function operator({ expression, op, name }: Parts, allowed: readonly Operator[]): Operator {
  if (op === undefined)
    throw new FilterError(expression, `${UNFINISHED}: `, name, `${name.text}${allowed[0]}VALUE`)
  if (op.to === expression.length)
    throw new FilterError(expression, `${UNFINISHED}: ${op.text}`, op, `${name.text}${allowed[0]}VALUE`)
  if (!allowed.includes(op.text))
    throw new FilterError(
      expression,
      `invalid filter operator: ${op.text}`,
      op,
      `${name.text} takes ${allowed.join(' and ')}`,
    )
  return op.text
}

/** Any operator; those of order take one value. */
function comparison(parts: Parts): Operator {
  const op = operator(parts, ['=', '!=', '<', '>'])
  const { expression, values, name } = parts
  if ((op === '<' || op === '>') && values.length > 1)
    throw new FilterError(
      expression,
      `invalid filter value: ${op} takes one`,
      { from: values[1]!.from - 1, to: values.at(-1)!.to },
      `${name.text}${op}VALUE, each comparison in an expression of its own`,
    )
  return op
}

const negated = (parts: Parts): boolean => operator(parts, ['=', '!=']) === '!='

function texts(parts: Parts): readonly Word[] {
  const { expression, values, name } = parts
  for (const value of values)
    if (value.text === '')
      throw new FilterError(
        expression,
        'invalid filter value: it is empty',
        { from: value.from, to: Math.max(value.to, value.from) },
        `${name.text}=VALUE, several with commas`,
      )
  return values
}

const numberClause = (scope: NumberScope, parts: Parts): Clause => ({
  kind: 'number',
  scope,
  op: comparison(parts),
  values: wholeNumbers(parts, scope === 'mntns' || scope === 'pidns' ? UINT64_MAX : UINT32_MAX),
  expression: parts.expression,
})

function treeClause(parts: Parts): Clause {
  const { expression, op, values, name } = parts
  const hint = `${name.text}=PID or ${name.text}!=PID`
  if (op?.text === '!=' && op.to === expression.length)
    throw new FilterError(expression, 'no value passed with operator in process tree filter', op, hint)
  if (op?.text === '<' || op?.text === '>')
    throw new FilterError(expression, `${UNFINISHED}: ${expression.slice(op.from)}`, op, hint)
  const not = negated(parts)
  const wrong = values.find(({ text }) => !/^\d+$/.test(text) || BigInt(text) > UINT32_MAX)
  if (wrong !== undefined)
    throw new FilterError(
      expression,
      `invalid PID given to filter: ${expression.slice(op!.to)}`,
      wrong,
      `a whole number up to ${UINT32_MAX}`,
    )
  return { kind: 'tree', not, pids: values.map(({ text }) => Number(text)), expression }
}

/** Whole numbers up to a largest one. Beyond what a number of ours holds exactly they say the same of any that there is. */
const wholeNumbers = (parts: Parts, most: bigint): readonly number[] =>
  numbers(parts, { form: /^\d+$/, least: 0n, most, what: 'a whole number' })

/** Return values. */
const integers = (parts: Parts): readonly number[] =>
  numbers(parts, {
    form: /^[-+]?\d+$/,
    least: -INT64_MAX - 1n,
    most: INT64_MAX,
    what: 'a number, such as 0 or -2',
  })

interface Range {
  readonly form: RegExp
  readonly least: bigint
  readonly most: bigint
  readonly what: string
}

function numbers(parts: Parts, { form, least, most, what }: Range): readonly number[] {
  const { expression, name, values, op } = parts
  return values.map((value) => {
    const { text } = value
    if (!form.test(text))
      throw new FilterError(
        expression,
        `invalid filter value: ${text}`,
        value,
        text.startsWith('=') ? `the operators are =, !=, < and >` : `${name.text}${op!.text} takes ${what}`,
      )
    const number = BigInt(text.replace(/^\+/, ''))
    if (number > most || number < least) {
      // What no 64 bits hold is no value at all.
      const message =
        most === UINT32_MAX && number <= UINT64_MAX ? 'filter value is too big' : 'invalid filter value'
      throw new FilterError(expression, `${message}: ${text}`, value, `from ${least} to ${most}`)
    }
    return Number(number)
  })
}
