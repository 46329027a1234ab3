import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Str } from '../../decode/str.ts'
import type { Value, ValueType } from '../../fields/field.ts'
import { parseIp, parseNet } from '../../fields/ip.ts'
import type { ListModifier, Literal, Operator } from '../ir.ts'
import { listTest, literalTest, valueListTest, valueTest } from './index.ts'

type Plain = string | number | bigint | boolean

/** A value of an event: text becomes `Str` or `Ip`. */
const datum = (value: Plain, type: ValueType): Value => {
  if (typeof value !== 'string') return value
  return type === 'ip' || type === 'net' ? parseIp(value)! : new Str(value)
}
const literal = (value: Plain, type: ValueType): Literal => {
  const text = String(value)
  if (type === 'ip') return { text, value: parseIp(text)! }
  return type === 'net' ? { text, value: parseNet(text)! } : { text, value }
}
const check =
  (type: ValueType, expected: boolean) =>
  (value: Plain, op: Operator, ...literals: Plain[]): void =>
    void test(`${type} ${String(value)} ${op} ${literals.join(', ')} is ${expected}`, () => {
      const run = literalTest(
        op,
        undefined,
        literals.map((l) => literal(l, type)),
        type,
      )
      assert.equal(run(datum(value, type)), expected)
    })

const yes = check('string', true)
const no = check('string', false)
yes('bash', '=', 'bash')
no('bash', '=', 'Bash')
yes('', '=', '')
yes('a\udcff', '=', 'a\udcff')
yes('bash', '!=', 'sh')
no('bash', '!=', 'bash')
yes('bash', 'in', 'sh', 'bash')
no('bash', 'in', 'sh', 'zsh')
no('bash', 'in')
yes('bash', 'intersects', 'bash', 'sh')
yes('a', 'exists')
yes('abc', 'contains', 'bc')
yes('abc', 'contains', '')
no('abc', 'contains', 'BC')
yes('aBc', 'icontains', 'Bc')
yes('abc', 'startswith', 'ab')
no('abc', 'startswith', 'bc')
yes('abc', 'endswith', 'bc')
no('abc', 'endswith', 'ab')
yes('a/b.so', 'glob', '*.so')
no('a/b.SO', 'glob', '*.so')
yes('a/b.SO', 'iglob', '*.so')
yes('abc', 'regex', 'a(b|x)c')
no('abcd', 'regex', 'a(b|x)c')
yes('/etc/x', 'pmatch', '/etc', '/usr')
no('/etcx', 'pmatch', '/etc', '/usr')
yes('5', '<', '6')
no('5', '<', '5')
yes('10', '<', '9')
yes('5', '<=', '5')
yes('é', '>', '9')
yes('5', '>=', '5')
yes('a\udcca\udcfeb', 'bcontains', 'cafe')
yes('\udcca\udcfeb', 'bstartswith', 'CAFE')
no('a\udcca\udcfe', 'bstartswith', 'cafe')
yes('abc', 'bcontains', '6263')
yes('aéb', 'bcontains', 'a962')
no('aéb', 'bstartswith', 'a962')

const number = check('int', true)
const notNumber = check('int', false)
number(5, '=', 5)
notNumber(5, '=', 6)
number(5, '!=', 6)
number(-1, '<', 0)
number(5, '<=', 5)
notNumber(5, '>', 5)
number(5, '>=', 5)
number(5, 'in', 4, 5)
notNumber(5, 'in', 4, 6)
check('duration', true)(5_000_000_000n, '>=', 5_000_000_000n)
check('time', true)(18446744073709551615n, '>', 18446744073709551614n)
check('time', true)(7n, 'in', 6n, 7n)
check('bool', true)(true, '=', true)
check('bool', false)(false, '=', true)

const address = check('ip', true)
const notAddress = check('ip', false)
address('10.0.0.1', '=', '10.0.0.1')
notAddress('10.0.0.1', '=', '10.0.0.2')
address('::1', '=', '0:0:0:0:0:0:0:1')
notAddress('10.0.0.1', '=', '::1')
address('10.0.0.1', '!=', '::1')
address('10.0.0.1', 'in', '::1', '10.0.0.1')
check('net', true)('10.1.2.3', '=', '10.0.0.0/8')
check('net', false)('11.1.2.3', '=', '10.0.0.0/8')
check('net', true)('11.1.2.3', '!=', '10.0.0.0/8')
check('net', true)('192.168.1.1', 'in', '10.0.0.0/8', '192.168.0.0/16')
check('net', false)('::1', '=', '0.0.0.0/0')
check('net', true)('::1', '!=', '0.0.0.0/0')
check('net', false)('1.2.3.4', 'in', '::/0')

const modified = (
  value: string,
  op: Operator,
  modifier: ListModifier,
  literals: string[],
  expected: boolean,
): void =>
  void test(`${value} ${op} ${modifier} (${literals}) is ${expected}`, () => {
    const run = literalTest(
      op,
      modifier,
      literals.map((l) => literal(l, 'string')),
      'string',
    )
    assert.equal(run(new Str(value)), expected)
  })
modified('abc', 'contains', 'anyof', ['x', 'b'], true)
modified('abc', 'contains', 'anyof', ['x', 'y'], false)
modified('abc', 'contains', 'allof', ['a', 'b'], true)
modified('abc', 'contains', 'allof', ['a', 'x'], false)
modified('abc', 'contains', 'oneof', ['a', 'x'], true)
modified('abc', 'contains', 'oneof', ['a', 'b'], false)
modified('abc', 'contains', 'oneof', ['x', 'y'], false)
modified('abc', '=', 'anyof', ['x', 'abc'], true)
modified('abc', '!=', 'allof', ['x', 'y'], true)
modified('abc', '!=', 'allof', ['x', 'abc'], false)
for (const modifier of ['anyof', 'allof', 'oneof'] as const) modified('abc', 'contains', modifier, [], false)

const lists = (
  values: Plain[],
  op: Operator,
  literals: Plain[],
  expected: boolean,
  type: ValueType = 'string',
): void =>
  void test(`list (${values}) ${op} (${literals}) is ${expected}`, () => {
    const run = listTest(
      op,
      literals.map((l) => literal(l, type)),
      type,
    )
    assert.equal(run(values.map((v) => datum(v, type))), expected)
  })
lists(['a', 'b'], 'in', ['a', 'b', 'c'], true)
lists(['a', 'd'], 'in', ['a', 'b', 'c'], false)
lists(['a', 'd'], 'intersects', ['d', 'e'], true)
lists(['a', 'd'], 'intersects', ['e'], false)
lists([], 'in', ['a'], true)
lists([], 'intersects', ['a'], false)
lists([], 'exists', [], true)
lists([1, 2], 'in', [1, 2], true, 'uint')
lists(['10.0.0.1', '::1'], 'intersects', ['10.0.0.0/8'], true, 'net')

const compares = (
  left: Plain,
  op: Operator,
  right: Plain,
  expected: boolean,
  type: ValueType = 'string',
): void =>
  void test(`${type} ${left} ${op} val ${right} is ${expected}`, () =>
    assert.equal(valueTest(op, type)(datum(left, type), datum(right, type)), expected))
compares('a', '=', 'a', true)
compares('a', '!=', 'a', false)
compares('a', 'in', 'a', true)
compares('a', '<', 'b', true)
compares('😀', '>', '\uffee', true)
compares('abc', 'contains', 'b', true)
compares('aBc', 'icontains', 'bC', true)
compares('abc', 'startswith', 'b', false)
compares('abc', 'endswith', 'bc', true)
compares('abc', 'glob', 'a*', true)
compares('abc', 'iglob', 'A*', true)
compares(5, '=', 5, true, 'int')
compares(5, '>=', 6, false, 'int')
compares(5, '<=', 5, true, 'int')
compares('10.0.0.1', '=', '10.0.0.1', true, 'ip')
compares('10.0.0.1', '!=', '::1', true, 'ip')

test('lists compare with lists', () => {
  const strs = (...texts: string[]) => texts.map((text) => new Str(text))
  assert.ok(valueListTest('in')(strs('a'), strs('b', 'a')))
  assert.ok(!valueListTest('in')(strs('a', 'c'), strs('b', 'a')))
  assert.ok(valueListTest('in')(strs(), strs('a')))
  assert.ok(valueListTest('intersects')(strs('c', 'a'), strs('b', 'a')))
  assert.ok(!valueListTest('intersects')(strs('c'), strs('b', 'a')))
})

test('combinations that the compiler rejects throw', () => {
  assert.throws(() => literalTest('contains', undefined, [literal(5, 'int')], 'int'), RangeError)
  assert.throws(() => literalTest('<', undefined, [literal(true, 'bool')], 'bool'), RangeError)
  assert.throws(() => literalTest('contains', undefined, [], 'string'), RangeError)
  assert.throws(() => literalTest('regex', undefined, [literal('(', 'string')], 'string'), RangeError)
  assert.throws(() => literalTest('bcontains', undefined, [literal('xyz', 'string')], 'string'), RangeError)
  assert.throws(() => literalTest('=', undefined, [literal('x', 'string')], 'ip'), RangeError)
  assert.throws(() => listTest('=', [], 'string'), RangeError)
  assert.throws(() => valueTest('pmatch', 'string'), RangeError)
  assert.throws(() => valueListTest('='), RangeError)
})
