import assert from 'node:assert/strict'
import test from 'node:test'
import { median, pairedRatio, quantile, rotate, summarise } from './statistics.ts'

const isQuantile = (values: readonly number[], q: number, expected: number) =>
  test(`quantile ${q} of [${values}]`, () => assert.equal(quantile(values, q), expected))
isQuantile([3], 0.5, 3)
isQuantile([1, 2, 3], 0.5, 2)
isQuantile([4, 1, 3, 2], 0.5, 2.5)
isQuantile([1, 2, 3, 4, 5], 0, 1)
isQuantile([1, 2, 3, 4, 5], 1, 5)
isQuantile([10, 20], 0.25, 12.5)
isQuantile([100, 20, 3], 0.5, 20) // by value, not as text
isQuantile([], 0.5, Number.NaN)

test('values are left as they were', () => {
  const values = [3, 1, 2]
  median(values)
  assert.deepEqual(values, [3, 1, 2])
})
test('a summary', () =>
  assert.deepEqual(summarise([10, 12, 8, 14, 10]), {
    best: 8,
    median: 10,
    worst: 14,
    spread: 0.2,
    rounds: 5,
  }))
test('a ratio is taken round by round', () => assert.equal(pairedRatio([2, 40, 6], [1, 10, 3]), 2))
test('everybody is first once', () => {
  const items = ['a', 'b', 'c']
  assert.deepEqual(
    [0, 1, 2, 3].map((round) => rotate(items, round).join('')),
    ['abc', 'bca', 'cab', 'abc'],
  )
})
