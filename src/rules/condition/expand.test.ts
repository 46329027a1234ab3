import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ast } from './ast.ts'
import { ConditionError } from './error.ts'
import { expandLists, expandMacros, MAX_NODES } from './expand.ts'
import { parseCondition } from './parser.ts'
import { printCondition } from './print.ts'

type Lists = Readonly<Record<string, readonly string[]>>
type Macros = Readonly<Record<string, string>>

const named = (lists: Lists) => Object.entries(lists).map(([name, items]) => ({ name, items }))
const lists = (text: string, definitions: Lists, expected: string): void =>
  void test(`lists: ${text}`, () => assert.equal(expandLists(text, named(definitions)).text, expected))

lists('a.b in (l)', { l: ['x', 'y'] }, 'a.b in (x, y)')
lists('a.b in (l, z)', { l: ['x', 'y'] }, 'a.b in (x, y, z)')
lists('a.b in (l,l)', { l: ['x'] }, 'a.b in (x,x)')
lists('a.b=l', { l: ['x'] }, 'a.b=x')
lists('l', { l: ['x'] }, 'x')
lists('a.b in (el, l2, l.x, l-y)', { l: ['x'] }, 'a.b in (el, l2, l.x, l-y)')
lists('a.b in (l)', { l: ['x y', '"p q"', "'r s'"] }, `a.b in ("x y", "p q", 'r s')`)
lists('a.b in (l)', { l: ['"(systemd)"'] }, 'a.b in ("(systemd)")')
lists('a.b = "see l here"', { l: ['x'] }, 'a.b = "see x here"')
lists('a.b in (l)', { l: ['l', 'x'] }, 'a.b in (l, x)')
lists('a.b in (l, l)', { l: ['l l'] }, 'a.b in ("l l", "l l")')
lists('a.b in (outer)', { outer: ['inner', 'x'], inner: ['y'] }, 'a.b in (y, x)')
lists('a.b in (outer)', { inner: ['y'], outer: ['inner', 'x'] }, 'a.b in (inner, x)')
lists('a.b in (l)', { l: [] }, 'a.b in ()')
lists('a.b in (l, x)', { l: [] }, 'a.b in ( x)')
lists('a.b in (x, l)', { l: [] }, 'a.b in (x)')
lists('a.b in (x , l, y)', { l: [] }, 'a.b in (x , y)')
lists('a.b in (l, l)', { l: [] }, 'a.b in ( )')
lists('m and n', { l: ['x'] }, 'm and n')

test('only lists that occur count as used', () => {
  const { used } = expandLists('a.b in (l)', named({ l: ['x'], unused: ['y'] }))
  assert.deepEqual([...used], ['l'])
})

/** `marked`: expanded text with «» around a piece; `original`: the text with «» around where it comes from. */
const maps = (original: string, definitions: Lists, marked: string): void =>
  void test(`offsets: ${original}`, () => {
    const clean = (text: string) => text.replace(/[«»]/g, '')
    const place = (text: string) => ({ from: text.indexOf('«'), to: text.indexOf('»') - 1 })
    const expanded = expandLists(clean(original), named(definitions))
    assert.equal(expanded.text, clean(marked))
    const { from, to } = place(marked)
    assert.deepEqual(expanded.toOriginal(from, to), place(original))
  })
const short = { shells: ['a'], long: ['first', 'second', 'third'] }
maps('«a.b» in (shells)', short, '«a.b» in (a)')
maps('a.b in («shells»)', short, 'a.b in («a»)')
maps('a.b in (shells) and «c.d» = x', short, 'a.b in (a) and «c.d» = x')
maps('a.b in (long, shells, «x»)', short, 'a.b in (first, second, third, a, «x»)')
maps('a.b in («long», x)', short, 'a.b in (first, «second», third, x)')
maps('«a.b in (long»)', short, '«a.b in (first, second», third)')
maps('a.b in (x«»)', short, 'a.b in (x«»)')
maps('a.b in («outer») and x', { outer: ['inner', 'y'], inner: ['deep', 'z'] }, 'a.b in (deep, «z», y) and x')
maps('a.b in (outer) and «x»', { outer: ['inner', 'y'], inner: ['deep', 'z'] }, 'a.b in (deep, z, y) and «x»')
maps('a.b in (x, l, «y»)', { l: [] }, 'a.b in (x, «y»)')

const parsed = (macros: Macros): Map<string, Ast> =>
  new Map(Object.entries(macros).map(([name, text]) => [name, parseCondition(text)]))
const expand = (text: string, macros: Macros): Ast => {
  const trees = parsed(macros)
  return expandMacros(parseCondition(text), (name) => trees.get(name), trees.keys())
}
const macros = (text: string, definitions: Macros, expected: string): void =>
  void test(`macros: ${text}`, () => assert.equal(printCondition(expand(text, definitions)), expected))

macros('m', { m: 'a.b = x' }, 'a.b = x')
macros('m and not m', { m: 'a.b = x or c.d = y' }, '((a.b = x or c.d = y) and not (a.b = x or c.d = y))')
macros('m', { m: 'n and n', n: 'a.b = x' }, '(a.b = x and a.b = x)')

const fails = (marked: string, definitions: Macros, message: string, hint?: string): void =>
  void test(`macros: ${marked} fails`, () =>
    assert.throws(
      () => expand(marked.replace(/[«»]/g, ''), definitions),
      (error) => {
        assert.ok(error instanceof ConditionError)
        assert.equal(error.message, message)
        assert.equal(error.reason, 'macro')
        assert.deepEqual([error.from, error.to], [marked.indexOf('«'), marked.indexOf('»') - 1])
        assert.equal(error.hint, hint)
        return true
      },
    ))
fails('a.b = x and «m»', {}, `Undefined macro 'm' used in filter.`)
fails('«m» and n', { m: 'inner' }, `Undefined macro 'inner' used in filter.`, `this comes from macro 'm'`)
fails(
  '«spawned_proces»',
  { spawned_process: 'a.b = x' },
  `Undefined macro 'spawned_proces' used in filter.`,
  `did you mean 'spawned_process'?`,
)
fails('«m»', { m: 'm' }, `reference loop in macro 'm'`, `this comes from macro 'm'`)
fails(
  'x.y exists and «m»',
  { m: 'not n', n: 'a.b = x or m' },
  `reference loop in macro 'm'`,
  `this comes from macro 'm'`,
)

test('nodes of a macro stand where it is used', () => {
  const ast = expand('a.b = x and m', { m: 'tolower(c.d) in (p, q)' })
  assert.ok(ast.kind === 'and')
  const use = { from: 12, to: 13, macro: 'm' }
  const places: unknown[] = []
  JSON.stringify(ast.items[1], (_key, value) => {
    if (typeof value?.from === 'number') places.push({ from: value.from, to: value.to, macro: value.macro })
    return value
  })
  assert.equal(places.length, 7)
  for (const place of places) assert.deepEqual(place, use)
})

test('a chain of macros that doubles each time ends', () => {
  const chain = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`m${i + 1}`, `m${i} and m${i}`]))
  assert.throws(() => expand('m60', { ...chain, m0: 'a.b = x' }), {
    name: 'ConditionError',
    message: `condition grows beyond ${MAX_NODES} values by its macros`,
  })
})
test('a chain of 100,000 macros ends', () => {
  const trees = new Map(Array.from({ length: 100_000 }, (_, i) => [`m${i}`, parseCondition(`m${i + 1}`)]))
  assert.throws(
    () => expandMacros(parseCondition('m0'), (name) => trees.get(name)),
    /exceeded max depth limit of 1000/,
  )
})
test('lists that double each time end', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`l${i}x`, [`l${i + 1}x`, `l${i + 1}x`]]),
  )
  assert.throws(() => expandLists('a.b in (l0x)', named(chain)), /makes the condition too long/)
})
test('a list in a large condition takes bounded time', () => {
  const text = `a.b in (${'l, '.repeat(300_000)}x)`
  assert.equal(expandLists(text, named({ l: ['y'] })).text.length, text.length)
})
