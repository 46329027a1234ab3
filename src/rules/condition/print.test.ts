import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Ast, SPELLINGS } from './ast.ts'
import { parseCondition } from './parser.ts'
import { printCondition } from './print.ts'

/** A tree without its offsets. */
const bare = (ast: Ast): unknown =>
  JSON.parse(JSON.stringify(ast, (key, value) => (['from', 'to', 'opAt'].includes(key) ? undefined : value)))

const at = { from: 0, to: 0 }
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/).filter((s) => !['and', 'or', 'not'].includes(s))
/** Anything a value can hold: no NUL; bytes that are not UTF-8 only where they do not form a character. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.string({
      unit: fc.constantFrom('"', "'", '\\', ' ', 'a', '(', ',', '=', '\n', '\x7f', '\udcff', 'é'),
      maxLength: 8,
    }),
  )
  .filter((s) => !s.includes('\0'))
const field = fc.record({
  kind: fc.constant('field' as const),
  name: fc.tuple(name, name).map((parts) => parts.join('.')),
  arg: fc.option(text, { nil: undefined }),
})
const value = text.map((s) => ({ kind: 'value' as const, text: s, form: 'text' as const }))
const number = fc.integer().map((n) => ({ kind: 'value' as const, text: String(n), form: 'number' as const }))
const { operand } = fc.letrec((tie) => ({
  operand: fc.oneof({ depthSize: 'small' }, field, tie('transform')),
  transform: fc.record({
    kind: fc.constant('transform'),
    name: fc.constantFrom('tolower', 'join', 'concat', 'getopt'),
    args: fc.array(
      fc.oneof(
        { depthSize: 'small' },
        value,
        number,
        field,
        tie('operand'),
        fc
          .array(fc.oneof(value, field), { minLength: 1, maxLength: 3 })
          .map((items) => ({ kind: 'list', items })),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    arg: fc.option(text, { nil: undefined }),
  }),
}))
const list = fc.array(value, { maxLength: 4 }).map((items) => ({ kind: 'list', items }))
const check = fc.constantFrom(...SPELLINGS).chain((op) => {
  const isList = ['in', 'intersects', 'pmatch'].includes(op)
  const isNumeric = ['<', '<=', '>', '>='].includes(op)
  const plain = isList ? list : isNumeric ? number : value
  const base = { kind: fc.constant('check'), left: operand, op: fc.constant(op) }
  if (op === 'exists') return fc.record(base)
  const simple = fc.record({ ...base, right: fc.oneof(plain, operand) })
  const modified = fc.record({ ...base, modifier: fc.constantFrom('oneof', 'anyof', 'allof'), right: list })
  return isList || isNumeric ? simple : fc.oneof(simple, modified)
})
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium' },
    check,
    name.map((macro) => ({ kind: 'macro', name: macro })),
    fc.record({
      kind: fc.constantFrom('and', 'or'),
      items: fc.array(tie('tree'), { minLength: 2, maxLength: 4 }),
    }),
    tie('tree').map((item) => ({ kind: 'not', item })),
  ),
}))

test('what is printed parses to the same tree', () => {
  fc.assert(
    fc.property(tree, (random) => {
      const ast = { ...(random as object), ...at } as Ast
      const printed = printCondition(ast)
      const parsed = parseCondition(printed)
      assert.deepEqual(bare(parsed), bare(ast))
      assert.equal(printCondition(parsed), printed)
    }),
    { numRuns: 2000 },
  )
})

for (const name of ['anyof', 'oneof', 'allof', 'plain'])
  test(`the name of a list keeps its looks: ${name}`, () => {
    const text = `a.b pmatch ${name}`
    assert.equal(printCondition(parseCondition(text)), text)
  })
