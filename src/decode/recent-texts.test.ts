import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentTexts } from './recent-texts.ts'
import { Str } from './str.ts'

test('a text is remembered when it comes for the second time, a long one is made each time', () => {
  const made: string[] = []
  const texts = new RecentTexts((text) => {
    made.push(text)
    return new Str(text)
  }, 4)
  const first = texts.get('abc')
  const second = texts.get('abc')
  assert.equal(first.text, 'abc')
  assert.notEqual(first, second)
  assert.equal(texts.get('abc'), second)
  assert.notEqual(texts.get('abcde'), texts.get('abcde'))
  assert.deepEqual(made, ['abc', 'abcde', 'abcde'])
})

test('there is an end to what is remembered', () => {
  let made = 0
  const texts = new RecentTexts((text) => {
    made++
    return new Str(text)
  }, 4)
  for (let i = 0; i < 5000; i++) for (let k = 0; k < 3; k++) texts.get(String(i))
  assert.equal(made, 5000)
  for (let k = 0; k < 3; k++) texts.get('0')
  assert.equal(made, 5001)
})
