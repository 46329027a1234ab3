import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentTexts } from './recent-texts.ts'
import { Str } from './str.ts'

test('a text is made once while it is remembered, long ones each time', () => {
  const made: string[] = []
  const texts = new RecentTexts((text) => {
    made.push(text)
    return new Str(text)
  }, 4)
  assert.equal(texts.get('abc'), texts.get('abc'))
  assert.notEqual(texts.get('abcde'), texts.get('abcde'))
  assert.deepEqual(made, ['abc', 'abcde', 'abcde'])
  for (let i = 0; i < 5000; i++) texts.get(String(i))
  texts.get('abc')
  assert.deepEqual(made.at(-1), 'abc')
})
