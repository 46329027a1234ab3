/** What no single case shows: bad text is always a ConditionError, and whatever compiles can be evaluated. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Str } from '../../decode/str.ts'
import { defineField, type Value, type ValueType } from '../../fields/field.ts'
import { parseIp } from '../../fields/ip.ts'
import type { Expr, Test } from '../ir.ts'
import {
  listTest,
  literalTest,
  operandType,
  operandValue,
  valueListTest,
  valueTest,
} from '../operators/index.ts'
import { SPELLINGS } from './ast.ts'
import { compileCondition } from './compile.ts'
import { ConditionError } from './error.ts'
import { inferEvents } from './events.ts'
import { parseCondition, parseOperandPrefix } from './parser.ts'
import { printCondition } from './print.ts'

const SAMPLES: Readonly<Record<ValueType, Value>> = {
  string: new Str('bash'),
  buffer: new Str('ab'),
  path: new Str('/bin/sh'),
  int: -1,
  uint: 1,
  double: 0.5,
  port: 22,
  time: 1n,
  duration: 2n,
  bool: true,
  ip: parseIp('10.0.0.1')!,
  net: parseIp('10.0.0.1')!,
}
const FIELDS = new Map(
  Object.entries(SAMPLES).flatMap(([type, sample]) => {
    const base = { type: type as ValueType, doc: '', cost: 'free' as const }
    return [
      defineField({ ...base, name: `one.${type}`, get: () => sample }),
      defineField({ ...base, name: `many.${type}`, list: true, get: () => [sample] }),
    ].map((def) => [def.name, def] as const)
  }),
)
const EVENTS = new Set(['open', 'close'])
const names = [...FIELDS.keys()]

/** Evaluate one test the way the engine does. */
function evaluate({ left, op, modifier, right }: Test): boolean {
  const { type, list } = operandType(left)
  const read = (operand: typeof left) => operandValue(operand, (field) => field.extractor.get(undefined))
  const value = read(left)
  if (value === undefined) return false
  if ('kind' in right) {
    const other = read(right)
    if (other === undefined) return false
    return list
      ? valueListTest(op)(value as Value[], other as Value[])
      : valueTest(op, type)(value as Value, other as Value)
  }
  return list
    ? listTest(op, right, type)(value as Value[])
    : literalTest(op, modifier, right, type)(value as Value)
}

function evaluateAll(expr: Expr): boolean {
  switch (expr.kind) {
    case 'const':
      return expr.value
    case 'not':
      return !evaluateAll(expr.item)
    case 'and':
    case 'or': {
      const results = expr.items.map(evaluateAll)
      return expr.kind === 'and' ? results.every(Boolean) : results.some(Boolean)
    }
    case 'test':
      return evaluate(expr)
    default:
      return expr satisfies never
  }
}

function attempt<T>(text: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    assert.ok(error instanceof ConditionError, `${JSON.stringify(text)}: ${String(error)}`)
    assert.ok(
      0 <= error.from && error.from <= error.to && error.to <= text.length,
      `${JSON.stringify(text)}: place`,
    )
    return undefined
  }
}

function tryAll(text: string): boolean {
  attempt(text, () => parseOperandPrefix(text, 0))
  const ast = attempt(text, () => parseCondition(text))
  if (!ast) return false
  assert.equal(printCondition(parseCondition(printCondition(ast))), printCondition(ast))
  const env = {
    fields: FIELDS,
    source: 'syscall',
    eventNames: EVENTS,
    spanOf: (from: number, to: number) => ({ file: '', line: 1, column: 1, from, to }),
  }
  const compiled = attempt(text, () => compileCondition(ast, env))
  if (!compiled) return false
  inferEvents(compiled.expr, EVENTS)
  evaluateAll(compiled.expr)
  return true
}

test('any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => void tryAll(text)),
    { numRuns: 1000 },
  )
})

const LITERALS = [
  '1',
  '-1',
  'x',
  'true',
  '10.0.0.1',
  '10.0.0.0/8',
  'cafe',
  '"*"',
  '""',
  'ssh',
  '[',
  'evt.type',
]
const token = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...names, 'evt.dir', 'evt.type') },
  { weight: 4, arbitrary: fc.constantFrom(...SPELLINGS) },
  { weight: 3, arbitrary: fc.constantFrom(...LITERALS) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'and',
      'or',
      'not',
      '(',
      ')',
      ',',
      'val(',
      'tolower(',
      'len(',
      'join(',
      'anyof',
    ),
  },
)
test('any tokens', () => {
  const text = fc.array(token, { maxLength: 14 }).map((tokens) => tokens.join(' '))
  fc.assert(
    fc.property(text, (t) => void tryAll(t)),
    { numRuns: 5000 },
  )
})

test('any check', () => {
  const field = fc.constantFrom(...names)
  const operand = fc.oneof(
    { weight: 3, arbitrary: field },
    { weight: 1, arbitrary: field.map((name) => `len(${name})`) },
    { weight: 1, arbitrary: field.map((name) => `b64(${name})`) },
    { weight: 1, arbitrary: fc.tuple(field, field).map(([a, b]) => `concat(${a}, ${b})`) },
    { weight: 1, arbitrary: field.map((name) => `join(",", ${name})`) },
  )
  const literal = fc.constantFrom(...LITERALS)
  const list = fc.array(literal, { maxLength: 3 }).map((items) => `(${items.join(', ')})`)
  const value = fc.oneof(
    { weight: 3, arbitrary: literal },
    { weight: 1, arbitrary: field.map((name) => `val(${name})`) },
  )
  const checks = fc.constantFrom(...SPELLINGS).chain((op) => {
    if (op === 'exists') return operand.map((left) => `${left} exists`)
    const isList = ['in', 'intersects', 'pmatch'].includes(op)
    const right = isList
      ? fc.oneof(list, list, value)
      : fc.oneof(
          { weight: 4, arbitrary: value },
          { weight: 1, arbitrary: operand },
          { weight: 1, arbitrary: list.map((items) => `anyof ${items}`) },
        )
    return fc.tuple(operand, right).map(([left, written]) => `${left} ${op} ${written}`)
  })
  let compiled = 0
  fc.assert(
    fc.property(checks, (text) => {
      if (tryAll(text)) compiled++
    }),
    { numRuns: 8000 },
  )
  assert.ok(compiled > 500, `only ${compiled} compiled`)
})
