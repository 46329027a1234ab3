import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTable, wrap } from './table.ts'

test('text is wrapped at blanks', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrap('unbreakable x', 4), ['unbreakable', 'x'])
  assert.deepEqual(wrap('', 4), [''])
})

test('a table', () => {
  const text = formatTable(['NAME', 'DOC'], [['a', 'one two three four five'], ['longer', ''], ['x\x1b']], 28)
  assert.equal(
    text,
    ['NAME    DOC', 'a       one two three four', '        five', 'longer', 'x\\x1b', ''].join('\n'),
  )
})

test('a long cell leaves the last column its room', () => {
  const text = formatTable(
    ['NAME', 'FOUND', 'INSTEAD'],
    [
      ['a', 'one two three four five six seven eight nine ten eleven', 'a place where it is looked for'],
      ['b', 'x', 'y'],
    ],
    60,
  )
  assert.deepEqual(text.trimEnd().split('\n'), [
    'NAME  FOUND                       INSTEAD',
    'a     one two three four five     a place where it is looked',
    '      six seven eight nine ten    for',
    '      eleven',
    'b     x                           y',
  ])
})
