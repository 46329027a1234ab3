import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { defineField, type Enrichment, type FieldDef } from '../fields/field.ts'
import type { CompiledRule, Expr, Test } from '../rules/ir.ts'
import { createEngine } from './engine.ts'
import { holds } from './reference.ts'
import { MISSING, possible, Undecided } from './undecided.ts'
import { WaitingRoom } from './waiting.ts'

interface Ctx {
  readonly [name: string]: number | undefined
}
const span = { file: '', line: 1, column: 1, from: 0, to: 0 }
const fieldOf = (name: string, needs?: Enrichment): FieldDef<Ctx> =>
  defineField<Ctx>({
    name,
    type: 'int',
    cost: 'free',
    doc: '.',
    ...(needs === undefined ? {} : { needs }),
    get: (ctx) => ctx[name],
  })
const FIELDS = [fieldOf('a'), fieldOf('b'), fieldOf('image', 'containers'), fieldOf('name', 'names')]
const testOf = (field: number, op: '=' | '!=' | 'exists', value: number): Test<Ctx> => ({
  kind: 'test',
  left: {
    kind: 'field',
    def: FIELDS[field]!,
    arg: undefined,
    extractor: FIELDS[field]!.bind(undefined),
    span,
  },
  op,
  modifier: undefined,
  right: op === 'exists' ? [] : [{ text: String(value), value }],
  span,
})

const tests = fc
  .tuple(fc.nat(3), fc.constantFrom('=' as const, '!=' as const, 'exists' as const), fc.nat(2))
  .map(([field, op, value]): Expr<Ctx> => testOf(field, op, value))
const { tree } = fc.letrec<{ tree: Expr<Ctx> }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    tests,
    fc.boolean().map((value): Expr<Ctx> => ({ kind: 'const', value })),
    tie('tree').map((item): Expr<Ctx> => ({ kind: 'not', item })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
      )
      .map(([kind, items]): Expr<Ctx> => ({ kind, items })),
  ),
}))
const value = fc.option(fc.nat(2), { nil: undefined })
const contexts = fc.record({ a: value, b: value, image: value, name: value })
const ALL = MISSING.containers | MISSING.names

const ruleOf = (name: string, condition: Expr<Ctx>): CompiledRule<Ctx> => ({
  name,
  source: 's',
  desc: '',
  priority: 'Debug',
  tags: [],
  condition,
  events: '*',
  format: [],
  span,
})

describe('a weakened condition', () => {
  test('is true whenever the condition is, whatever the answer will be', () =>
    fc.assert(
      fc.property(tree, contexts, fc.constantFrom(1, 2, ALL), (expr, ctx, missing) => {
        const unknown = {
          ...ctx,
          ...(missing & MISSING.containers ? { image: undefined } : {}),
          ...(missing & MISSING.names ? { name: undefined } : {}),
        }
        if (holds(expr, ctx)) assert.ok(holds(possible(expr, missing, false), unknown))
      }),
      { numRuns: 500 },
    ))
  test('is the condition where nothing is missing', () =>
    fc.assert(
      fc.property(tree, contexts, (expr, ctx) => {
        assert.equal(holds(possible(expr, 0, false), ctx), holds(expr, ctx))
      }),
    ))
})

for (const matching of ['all', 'first'] as const)
  test(`judged in two steps the same rules are found: ${matching}`, () =>
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1, maxLength: 5 }), contexts, (trees, ctx) => {
        const rules = trees.map((expr, i) => ruleOf(`r${i}`, expr))
        const engine = createEngine(rules, { matching })
        const unknown = { ...ctx, image: undefined }
        const whole: string[] = []
        engine.run('e', ctx, ({ name }) => whole.push(name))
        const split = new Undecided(rules, matching).split('e', unknown, MISSING.containers)
        const parts: string[] = []
        engine.run('e', unknown, ({ name }) => parts.push(name), split?.now)
        if (split) engine.run('e', ctx, ({ name }) => parts.push(name), split.later(parts.length > 0))
        assert.deepEqual(parts.sort(), whole.sort())
      }),
      { numRuns: 500 },
    ))

describe('room for events that wait', () => {
  const event = (num: number, bytes = 10) =>
    ({ ctx: { num }, admits: () => true, bytes }) as unknown as Parameters<WaitingRoom['add']>[0]
  const nums = (events: readonly { readonly ctx: { readonly num: number } }[]): number[] =>
    events.map(({ ctx }) => ctx.num)
  const never = (): boolean => false
  test('beyond a number the oldest go', () => {
    const room = new WaitingRoom({ events: 2, bytes: 1000 })
    const gone = [1, 2, 3, 4].flatMap((num) => nums(room.add(event(num))))
    assert.deepEqual(gone, [1, 2])
    assert.deepEqual(room.counts, { waited: 4, waiting: 2, late: 0, displaced: 2 })
    assert.deepEqual(nums(room.take(never, never)), [3, 4])
  })
  test('beyond a number of bytes, too, be it the newest itself', () => {
    const room = new WaitingRoom({ events: 9, bytes: 25 })
    assert.deepEqual(nums(room.add(event(1))), [])
    assert.deepEqual(nums(room.add(event(2))), [])
    assert.deepEqual(nums(room.add(event(3, 20))), [1, 2])
    assert.deepEqual(nums(room.add(event(4, 99))), [3, 4])
    assert.equal(room.counts.waiting, 0)
  })
  test('those who wait on stay in order', () => {
    const room = new WaitingRoom()
    for (const num of [1, 2, 3, 4]) room.add(event(num))
    assert.deepEqual(
      nums(
        room.take(
          ({ num }) => num % 2 === 0,
          () => true,
        ),
      ),
      [1, 3],
    )
    assert.deepEqual(nums(room.take(never, never)), [2, 4])
    assert.equal(room.counts.late, 2)
  })
})
