import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatTable, visible, wrap } from './table.ts'

describe('visible', () => {
  const cases: readonly [string, string][] = [
    ['plain text äß 漢', 'plain text äß 漢'],
    ['\x1b[31mred', '\\u001b[31mred'],
    ['a\nb\tc\x7f', 'a\\u000ab\\u0009c\\u007f'],
    ['\u009b31m', '\\u009b31m'],
    ['gnp.\u202etxt', 'gnp.\\u202etxt'],
    ['bad\udcff', 'bad\\xff'],
    ['half \ud83d', 'half \\ud83d'],
    ['whole 😀', 'whole 😀'],
  ]
  for (const [text, shown] of cases) test(JSON.stringify(text), () => assert.equal(visible(text), shown))
})

test('text is wrapped at blanks', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrap('unbreakable x', 4), ['unbreakable', 'x'])
  assert.deepEqual(wrap('', 4), [''])
})

test('a table', () => {
  const text = formatTable(['NAME', 'DOC'], [['a', 'one two three four five'], ['longer', ''], ['x\x1b']], 28)
  assert.equal(
    text,
    ['NAME     DOC', 'a        one two three four', '         five', 'longer', 'x\\u001b', ''].join('\n'),
  )
})
