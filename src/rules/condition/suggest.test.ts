import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest, didYouMean, editDistance } from './suggest.ts'

const distance = (a: string, b: string, expected: number): void =>
  void test(`${a} to ${b}`, () => assert.equal(editDistance(a, b), expected))
distance('', 'abc', 3)
distance('abc', 'abc', 0)
distance('nmae', 'name', 1)
distance('kitten', 'sitting', 3)

test('the nearest candidate wins', () =>
  assert.equal(closest('proc.nam', ['proc.args', 'proc.name']), 'proc.name'))
test('far candidates do not', () => assert.equal(closest('proc.nam', ['fd.filename']), undefined))
test('an endless word is not compared', () =>
  assert.equal(closest('x'.repeat(1000), ['x'.repeat(1000)]), undefined))
test('no hint without a candidate', () => assert.equal(didYouMean('x', []), undefined))
