import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Str } from '../../decode/str.ts'
import { defineField, type Value, type ValueType } from '../../fields/field.ts'
import type { FieldRef, Operand, Transform } from '../ir.ts'
import { operandType, operandValue } from './transformers.ts'

const span = { file: '', line: 1, column: 1, from: 0, to: 0 }
type Arg = Transform['args'][number]

const str = (text: string): Str => new Str(text)
/** A field that always has the given value. */
const field = (value: Value | readonly Value[] | undefined, type: ValueType = 'string'): FieldRef => {
  const list = Array.isArray(value)
  const def = defineField({ name: 'x.y', type, list, doc: '', cost: 'free', get: () => value })
  return { kind: 'field', def, arg: undefined, extractor: def.bind(undefined), span }
}
const text = (value: string) => ({ text: value, value })
const call = (name: string, ...args: Arg[]): Transform => ({
  kind: 'transform',
  name,
  args,
  arg: undefined,
  span,
})
const value = (operand: Operand): unknown => {
  const plain = (v: unknown): unknown => (v instanceof Str ? v.text : Array.isArray(v) ? v.map(plain) : v)
  return plain(operandValue(operand, (ref) => ref.extractor.get(undefined)))
}
const yields = (name: string, operand: Operand, expected: unknown): void =>
  void test(name, () => assert.deepEqual(value(operand), expected))

const args = field([str('-A'), str('X')])
yields('tolower', call('tolower', field(str('AbÉ'))), 'abÉ')
yields('toupper', call('toupper', field(str('abé'))), 'ABé')
yields('tolower of a list', call('tolower', args), ['-a', 'x'])
yields('tolower of nothing', call('tolower', field(undefined)), undefined)
yields('tolower of a number', call('tolower', field(5)), undefined)
yields('basename', call('basename', field(str('/usr/bin/sh'))), 'sh')
yields('basename without slash', call('basename', field(str('sh'))), 'sh')
yields('basename of a directory', call('basename', field(str('/usr/'))), '')
yields('nested', call('toupper', call('basename', field(str('/bin/sh')))), 'SH')
yields('b64', call('b64', field(str('aGVsbG8='))), 'hello')
yields('b64 without padding', call('b64', field(str('aGVsbG8'))), 'hello')
yields('b64 of bytes', call('b64', field(str('/w=='))), '\udcff')
yields('b64 of nothing', call('b64', field(str(''))), '')
yields('b64 of no base64', call('b64', field(str('a b'))), undefined)
yields('b64 of a broken length', call('b64', field(str('aGVsb'))), undefined)
yields('b64 with wrong padding', call('b64', field(str('aGVsbG8=='))), undefined)
yields('len counts bytes', call('len', field(str('é1\udcff'))), 4)
yields('len of a list', call('len', args), 2)
yields('len of a list of numbers', call('len', field([1, 2, 3], 'int')), 3)
yields('len of nothing', call('len', field(undefined)), undefined)
yields('concat', call('concat', field(str('a')), text('-'), field(str('b'))), 'a-b')
yields('concat with an absent part', call('concat', text('a'), field(undefined)), undefined)
yields('concat joins bytes to characters', call('concat', field(str('\udcc3')), field(str('\udca9'))), 'é')
yields('join a list', call('join', text(','), args), '-A,X')
yields('join written operands', call('join', text('/'), [field(str('a')), text('b')]), 'a/b')
yields('join with an absent part', call('join', text('/'), [field(undefined), text('b')]), undefined)
yields('join of an empty list', call('join', text('/'), field([])), '')

const options = (words: string, spec: string, expected: unknown, arg?: string): void =>
  yields(
    `getopt ${words} by ${spec}${arg === undefined ? '' : `[${arg}]`}`,
    { ...call('getopt', field(words.split(' ').map(str)), text(spec)), arg },
    expected,
  )
options('-a -b x', 'ab:', ['a', '', 'b', 'x'])
options('-ab x', 'ab:', ['a', '', 'b', 'x'])
options('-bx', 'ab:', ['b', 'x'])
options('-b', 'ab:', ['?', ''])
options('-q -a', 'a', ['?', '', 'a', ''])
options('-a stop -b', 'ab', ['a', ''])
options('-a -- -b', 'ab', ['a', ''])
options('--long -a', 'a', ['a', ''])
options('-b x -b y', 'b:', 'y', 'b')
options('-a', 'ab:', '', 'a')
options('-a', 'ab:', undefined, 'b')
options('-:', 'a:', ['?', ''])

test('types', () => {
  assert.deepEqual(operandType(call('len', args)), { type: 'uint', list: false })
  assert.deepEqual(operandType(call('tolower', args)), { type: 'string', list: true })
  assert.deepEqual(operandType(call('tolower', field(str('a')))), { type: 'string', list: false })
  assert.deepEqual(operandType(call('getopt', args, text('a'))), { type: 'string', list: true })
  assert.deepEqual(operandType({ ...call('getopt', args, text('a')), arg: 'a' }), {
    type: 'string',
    list: false,
  })
  assert.deepEqual(operandType(field(5, 'int')), { type: 'int', list: false })
})
