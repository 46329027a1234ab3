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
