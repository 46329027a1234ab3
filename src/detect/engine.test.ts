import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Str } from '../decode/str.ts'
import type { FieldDef, Origin, Value, ValueType } from '../fields/field.ts'
import { parseIp } from '../fields/ip.ts'
import type { Span } from '../rules/diagnostics.ts'
import type {
  CompiledRule,
  EventSet,
  Expr,
  FieldRef,
  ListModifier,
  Literal,
  Operator,
  Test,
  Transform,
} from '../rules/ir.ts'
import { createEngine, type Engine } from './engine.ts'
import { holds } from './reference.ts'

/** An event for tests: values by field name; a field not there is absent. */
type Ctx = Readonly<Record<string, Value | readonly Value[] | undefined>>

const SPAN: Span = { file: 't', line: 1, column: 1, from: 0, to: 0 }

const fieldRef = (name: string, type: ValueType, more: Partial<FieldDef<Ctx>> = {}): FieldRef<Ctx> => {
  const extractor = { get: (ctx: Ctx) => ctx[name] }
  const def: FieldDef<Ctx> = { name, type, doc: name, cost: 'free', bind: () => extractor, ...more }
  return { kind: 'field', def, arg: undefined, extractor: def.bind(undefined), span: SPAN }
}
/** A field with several readings. */
const many = (name: string, negative?: 'all' | 'any'): FieldRef<Ctx> =>
  fieldRef(name, 'string', {
    bind: () => ({
      get: (ctx) => (ctx[name] as readonly Value[] | undefined)?.[0],
      candidates: (ctx) => (ctx[name] as readonly Value[] | undefined) ?? [],
      ...(negative === undefined ? {} : { negative }),
    }),
  })

const NAME = fieldRef('name', 'string')
const PATH = fieldRef('path', 'path', { cost: 'derived' })
const NUMBER = fieldRef('number', 'int')
const FLAG = fieldRef('flag', 'bool')
const ADDRESS = fieldRef('address', 'ip')
const LIST = fieldRef('list', 'string', { list: true })
const EITHER = many('either')
const ANCESTOR = many('ancestor', 'any')
/** Fields that follow from `file`, one of them from `flag` as well. */
const origin: Origin<Ctx> = {
  of: (ctx) => ctx['file'] as Str | undefined,
  cases: 2,
  caseOf: (ctx) => (ctx['flag'] === true ? 1 : 0),
}
const FILE = fieldRef('file', 'path', {
  bind: () => ({ get: (ctx) => ctx['file'], origin }),
})
const spellings = (ctx: Ctx): readonly Str[] => {
  const file = ctx['file'] as Str | undefined
  if (file === undefined) return []
  return ctx['flag'] === true ? [file, new Str(`/a${file.text}`)] : [file]
}
const SPELLING = fieldRef('spelling', 'path', {
  bind: () => ({ get: (ctx) => ctx['file'], candidates: spellings, origin }),
})
const BROKEN = fieldRef('broken', 'string', {
  bind: () => ({
    get() {
      throw new Error('broken')
    },
  }),
})

const literal = (value: Literal['value']): Literal => ({ text: String(value), value })
const is = (
  left: Test<Ctx>['left'],
  op: Operator,
  right: Test<Ctx>['right'] | readonly string[] = [],
): Test<Ctx> => ({
  kind: 'test',
  left,
  op,
  modifier: undefined,
  right: Array.isArray(right)
    ? right.map((item: string | Literal) => (typeof item === 'string' ? literal(item) : item))
    : (right as FieldRef<Ctx> | Transform<Ctx>),
  span: SPAN,
})
const call = (name: string, ...args: Transform<Ctx>['args'][number][]): Transform<Ctx> => ({
  kind: 'transform',
  name,
  args,
  arg: undefined,
  span: SPAN,
})
const LOWER = call('tolower', NAME)
const BASE = call('basename', PATH)
const BOTH = call('concat', NAME, literal('/'), PATH)
const LENGTH = call('len', LIST)
const LOWER_LIST = call('toupper', LIST)

const not = (item: Expr<Ctx>): Expr<Ctx> => ({ kind: 'not', item })
const and = (...items: Expr<Ctx>[]): Expr<Ctx> => ({ kind: 'and', items })
const or = (...items: Expr<Ctx>[]): Expr<Ctx> => ({ kind: 'or', items })

const rule = (name: string, condition: Expr<Ctx>, events: EventSet = '*'): CompiledRule<Ctx> => ({
  name,
  source: 'test',
  desc: '',
  priority: 'Warning',
  tags: [],
  condition,
  events,
  format: [],
  span: SPAN,
})
const str = (text: string): Str => new Str(text)

/** Names of the rules that fire. */
function fired(engine: Engine<Ctx>, ctx: Ctx, event = 'e'): string {
  const names: string[] = []
  engine.run(event, ctx, ({ name }) => names.push(name))
  return names.join(' ')
}
const engineOf = (conditions: readonly Expr<Ctx>[], matching: 'all' | 'first' = 'all'): Engine<Ctx> =>
  createEngine(
    conditions.map((condition, i) => rule(String(i), condition)),
    { matching },
  )
const yes = (what: string, condition: Expr<Ctx>, ctx: Ctx): void => {
  test(what, () => assert.equal(fired(engineOf([condition]), ctx), '0'))
}
const no = (what: string, condition: Expr<Ctx>, ctx: Ctx): void => {
  test(what, () => assert.equal(fired(engineOf([condition]), ctx), ''))
}

yes('equal text', is(NAME, '=', ['sh']), { name: str('sh') })
no('different text', is(NAME, '=', ['sh']), { name: str('bash') })
no('absent: = is false', is(NAME, '=', ['sh']), {})
no('absent: != is false', is(NAME, '!=', ['sh']), {})
yes('absent: not = is true', not(is(NAME, '=', ['sh'])), {})
no('absent: exists is false', is(NAME, 'exists'), {})
yes('empty text exists', is(NAME, 'exists'), { name: str('') })
yes('an empty list is there', is(LIST, 'exists'), { list: [] })
yes('either end', is(EITHER, '=', ['b']), { either: [str('a'), str('b')] })
no('!= asks all readings', is(EITHER, '!=', ['b']), { either: [str('a'), str('b')] })
yes('!= when all differ', is(EITHER, '!=', ['c']), { either: [str('a'), str('b')] })
no('!= of no readings', is(EITHER, '!=', ['c']), { either: [] })
yes('!= of ancestors asks any', is(ANCESTOR, '!=', ['b']), { ancestor: [str('a'), str('b')] })
no('!= of ancestors that are all equal', is(ANCESTOR, '!=', ['b']), { ancestor: [str('b')] })
yes('every value of a list', is(LIST, 'in', ['a', 'b']), { list: [str('a'), str('b')] })
no('one value outside', is(LIST, 'in', ['a']), { list: [str('a'), str('b')] })
yes('a field on the right', is(NAME, '=', PATH), { name: str('x'), path: str('x') })
no('an absent field on the right', is(NAME, '!=', PATH), { name: str('x') })
no('what throws is false', is(BROKEN, '!=', ['x']), {})
yes('the rest of the condition goes on', or(is(BROKEN, '=', ['x']), is(NAME, '=', ['a'])), { name: str('a') })

yes('a transformer', is(LOWER, '=', ['sh']), { name: str('Sh') })
no('a transformer of what is absent', is(LOWER, '!=', ['sh']), {})
yes('a transformer of two fields', is(BOTH, 'endswith', ['a//b']), { name: str('a'), path: str('/b') })
yes('a transformer of a list', is(LOWER_LIST, 'in', ['A', 'B']), { list: [str('a'), str('b')] })
yes('a number from a transformer', is(LENGTH, '>', [literal(1)]), { list: [str('a'), str('b')] })
yes('a transformer on the right', is(NAME, '=', BASE), { name: str('b'), path: str('/a/b') })
yes('two lists', is(LIST, 'intersects', LOWER_LIST), { list: [str('A'), str('b')] })
test('a call with other arguments is another predicate', () => {
  const engine = engineOf([
    is(call('concat', NAME, literal('a')), '=', ['xa']),
    is(call('concat', NAME, literal('b')), '=', ['xa']),
    is(call('concat', literal('a'), NAME), '=', ['xa']),
  ])
  assert.equal(fired(engine, { name: str('x') }), '0')
})
const oneOf = (modifier: ListModifier): Test<Ctx> => ({ ...is(NAME, 'startswith', ['a', 'ab']), modifier })
yes('anyof: one of them', oneOf('anyof'), { name: str('ac') })
no('allof: not all of them', oneOf('allof'), { name: str('ac') })
yes('allof: all of them', oneOf('allof'), { name: str('abc') })
no('oneof: more than one', oneOf('oneof'), { name: str('abc') })
test('what differs in the modifier only is another predicate', () => {
  const engine = engineOf([oneOf('anyof'), oneOf('allof'), oneOf('oneof')])
  assert.equal(fired(engine, { name: str('ac') }), '0 2')
})
test('a predicate that several rules use is evaluated once for each string', () => {
  let asked = 0
  const text = str('a')
  Object.defineProperty(text, 'text', {
    get() {
      asked++
      return 'a'
    },
  })
  const engine = engineOf([is(NAME, 'contains', ['a']), not(is(NAME, 'contains', ['a']))])
  for (let i = 0; i < 3; i++) assert.equal(fired(engine, { name: text }), '0')
  assert.equal(asked, 1)
})

test('what throws is counted', () => {
  const engine = engineOf([is(BROKEN, '=', ['x'])])
  fired(engine, {})
  fired(engine, {})
  assert.equal(engine.statistics.errors, 2)
})

test('all: every rule that matches, in load order; first: one', () => {
  const conditions = [is(NAME, '=', ['no']), is(NAME, '=', ['a']), is(NAME, 'startswith', ['a'])]
  assert.equal(fired(engineOf(conditions), { name: str('a') }), '1 2')
  assert.equal(fired(engineOf(conditions, 'first'), { name: str('a') }), '1')
})

test('rules are judged on their event types only', () => {
  const always: Expr<Ctx> = { kind: 'const', value: true }
  const engine = createEngine(
    [
      rule('open', always, new Set(['open', 'openat'])),
      rule('any', always),
      rule('exec', always, new Set(['execve'])),
      rule('never', always, new Set()),
    ],
    { matching: 'all' },
  )
  assert.equal(fired(engine, {}, 'openat'), 'open any')
  assert.equal(fired(engine, {}, 'execve'), 'any exec')
  assert.equal(fired(engine, {}, 'unheard_of'), 'any')
  assert.equal(engine.events, '*')
})

test('an engine asks for the events its rules name', () => {
  const named = rule('r', is(NAME, 'exists'), new Set(['open', 'creat']))
  assert.deepEqual(createEngine([named], { matching: 'all' }).events, new Set(['open', 'creat']))
  assert.deepEqual(createEngine<Ctx>([], { matching: 'all' }).events, new Set())
})

test('equal comparisons are one predicate', () => {
  const engine = engineOf([
    and(is(NAME, '=', ['a']), is(PATH, '=', ['a'])),
    and(is(NAME, '=', ['a']), is(NAME, '=', ['b'])),
  ])
  assert.equal(engine.statistics.predicates, 3)
})

test('a value is read once for an event, and anew for the next', () => {
  let reads = 0
  const counted = fieldRef('counted', 'string', {
    bind: () => ({
      get: (ctx) => {
        reads++
        return ctx['counted']
      },
    }),
  })
  const engine = engineOf([
    is(counted, '=', ['a']),
    is(counted, 'startswith', ['b']),
    is(counted, 'in', ['a', 'b']),
  ])
  assert.equal(fired(engine, { counted: str('a') }), '0 2')
  assert.equal(reads, 1)
  assert.equal(fired(engine, { counted: str('b') }), '1 2')
  assert.equal(reads, 2)
})

test('the answers on a string are those of the engine that asks', () => {
  const shared = str('a')
  const first = engineOf([is(NAME, '=', ['a'])])
  const second = engineOf([is(NAME, '=', ['b'])])
  for (let i = 0; i < 3; i++) {
    assert.equal(fired(first, { name: shared }), '0')
    assert.equal(fired(second, { name: shared }), '')
  }
})

test('what is left is remembered where the values come from, apart for each case', () => {
  let reads = 0
  const counted = fieldRef('counted', 'path', {
    bind: () => ({
      get: (ctx) => ctx['file'],
      candidates: (ctx) => {
        reads++
        return spellings(ctx)
      },
      origin,
    }),
  })
  const engine = engineOf([and(is(FILE, 'startswith', ['/b']), is(counted, '=', ['/a/b']))])
  const file = str('/b')
  const seen: number[] = []
  for (let i = 0; i < 4; i++) {
    assert.equal(fired(engine, { file, flag: false }), '')
    assert.equal(fired(engine, { file, flag: true }), '0')
    seen.push(reads)
  }
  // What matches is read once more, when it is met again.
  assert.deepEqual(seen, [2, 3, 3, 3])
})

test('more than one word of bits on a string', () => {
  const conditions = Array.from({ length: 100 }, (_, i) => is(NAME, '=', [`n${i}`]))
  const engine = engineOf(conditions)
  for (let round = 0; round < 2; round++)
    for (const i of [0, 15, 16, 31, 32, 99]) assert.equal(fired(engine, { name: str(`n${i}`) }), String(i))
})

const TEXTS = ['', 'a', 'b', 'ab', '/a', '/a/b', 'a.b', '\udcff'] as const
const strings = TEXTS.map(str)
const oneString = fc.constantFrom(...strings)
const ADDRESSES = ['10.0.0.1', '::1', '10.0.0.2'].map((text) => parseIp(text)!)

const context: fc.Arbitrary<Ctx> = fc.record(
  {
    name: oneString,
    path: oneString,
    file: oneString,
    number: fc.integer({ min: -1, max: 3 }),
    flag: fc.boolean(),
    address: fc.constantFrom(...ADDRESSES),
    list: fc.array(oneString, { maxLength: 3 }),
    either: fc.array(oneString, { maxLength: 3 }),
    ancestor: fc.array(oneString, { maxLength: 3 }),
  },
  { requiredKeys: [] },
)

const textLiteral = fc.constantFrom(...TEXTS).map(literal)
const globLiteral = fc
  .constantFrom('*', 'a*', '*b', '/a*b', '/a*a*', '*a*b*', '*a*b', '?b', '[ab]*', 'a[.]b', '/*\\\\b')
  .map(literal)
const regexLiteral = fc
  .constantFrom('a', '/a/b', 'ab?', '.*a.*b', '(a|b)', 'a.b', '/a.+', '[ab]b*')
  .map(literal)
const comparison: fc.Arbitrary<Expr<Ctx>> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(NAME, PATH, FILE, SPELLING, EITHER, ANCESTOR, LOWER, BASE, BOTH),
      fc.constantFrom<Operator>(
        '=',
        '!=',
        'contains',
        'startswith',
        'endswith',
        'glob',
        'icontains',
        'pmatch',
      ),
      textLiteral,
    )
    .map(([left, op, right]) => is(left, op, [right])),
  fc
    .tuple(
      fc.constantFrom(NAME, PATH, FILE, SPELLING, EITHER, ANCESTOR, LIST, LOWER_LIST, BASE),
      fc.constantFrom<Operator>('in', 'intersects'),
      fc.array(textLiteral, { maxLength: 4 }),
    )
    .map(([left, op, right]) => is(left, op, right)),
  fc
    .tuple(
      fc.constantFrom(NAME, PATH, FILE, SPELLING, EITHER, ANCESTOR, LOWER),
      fc.constantFrom<Operator>('=', '!=', 'contains', 'startswith', 'glob'),
      fc.constantFrom<ListModifier>('oneof', 'anyof', 'allof'),
      fc.array(textLiteral, { maxLength: 3 }),
    )
    .map(([left, op, modifier, right]) => ({ ...is(left, op, right), modifier })),
  fc
    .tuple(
      fc.constantFrom(NAME, PATH, FILE, SPELLING, EITHER, ANCESTOR, LOWER, BOTH),
      fc.constantFrom<Operator>('glob', 'iglob', 'regex'),
      fc.constantFrom<ListModifier | undefined>(undefined, 'oneof', 'anyof', 'allof'),
      fc.infiniteStream(fc.tuple(globLiteral, regexLiteral)),
    )
    .map(([left, op, modifier, pairs]) => {
      const literals = [...pairs.take(modifier === undefined ? 1 : 2)].map(([glob, regex]) =>
        op === 'regex' ? regex : glob,
      )
      return { ...is(left, op, literals), modifier }
    }),
  fc
    .tuple(
      fc.constantFrom(NUMBER, LENGTH),
      fc.constantFrom<Operator>('=', '!=', '<', '<=', '>', '>='),
      fc.integer({ min: -1, max: 3 }),
    )
    .map(([left, op, n]) => is(left, op, [literal(n)])),
  fc
    .tuple(fc.constantFrom<Operator>('=', '!='), fc.boolean())
    .map(([op, value]) => is(FLAG, op, [literal(value)])),
  fc
    .tuple(fc.constantFrom<Operator>('=', '!='), fc.constantFrom(...ADDRESSES))
    .map(([op, value]) => is(ADDRESS, op, [{ text: value.text, value }])),
  fc.constantFrom(NAME, NUMBER, LIST, EITHER, SPELLING, ADDRESS).map((left) => is(left, 'exists')),
  fc
    .tuple(fc.constantFrom(NAME, EITHER, ANCESTOR), fc.constantFrom<Operator>('=', '!=', 'startswith'))
    .map(([left, op]) => is(left, op, PATH)),
  fc
    .tuple(fc.constantFrom(NAME, EITHER), fc.constantFrom<Operator>('=', '!=', 'in', 'endswith'))
    .map(([left, op]) => is(left, op, BASE)),
  fc
    .tuple(fc.constantFrom(LIST, LOWER_LIST), fc.constantFrom<Operator>('in', 'intersects'))
    .map(([left, op]) => is(left, op, LIST)),
)
const { condition } = fc.letrec<{ condition: Expr<Ctx> }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    comparison,
    fc.boolean().map((value): Expr<Ctx> => ({ kind: 'const', value })),
    tie('condition').map(not),
    fc.array(tie('condition'), { maxLength: 4 }).map((items) => and(...items)),
    fc.array(tie('condition'), { maxLength: 4 }).map((items) => or(...items)),
  ),
}))

test('the engine agrees with the plain evaluator on any conditions and values', () => {
  fc.assert(
    fc.property(
      fc.array(condition, { minLength: 1, maxLength: 8 }),
      fc.array(context, { minLength: 1, maxLength: 8 }),
      (conditions, events) => {
        const engine = engineOf(conditions)
        for (const ctx of events) {
          const expected = conditions.flatMap((c, i) => (holds(c, ctx) ? [i] : []))
          assert.equal(fired(engine, ctx), expected.join(' '))
        }
        assert.equal(engine.statistics.errors, 0)
      },
    ),
    { numRuns: 400 },
  )
})
