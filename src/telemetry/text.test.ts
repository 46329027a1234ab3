import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Lookup } from '../fields/context.ts'
import { isoTime } from '../outputs/formats/time.ts'
import { exactTime, TextCache, TimeText } from './text.ts'

const lookupWith = (offset: () => bigint): Lookup =>
  ({ wallClock: (ns: bigint) => ns + offset() }) as unknown as Lookup

test('times are those of the exact way, whatever the clocks say', () => {
  const mono = fc.oneof(
    fc.bigInt(0n, 2n ** 53n - 1n),
    fc.bigInt(0n, 3n * 10n ** 9n),
    fc.bigInt(2n ** 53n, 2n ** 60n),
  )
  const offsets = fc.bigInt(10n ** 18n, 2n * 10n ** 18n)
  fc.assert(
    fc.property(fc.array(fc.tuple(mono, offsets), { minLength: 1, maxLength: 5 }), (steps) => {
      let offset = 0n
      const text = new TimeText(lookupWith(() => offset))
      for (const [ns, step] of steps) {
        offset = step
        assert.equal(
          text.wall(Number(ns), () => ns),
          isoTime(ns + offset),
        )
        assert.equal(
          exactTime(Number(ns), () => ns),
          String(ns),
        )
      }
    }),
    { numRuns: 1000 },
  )
})
test('a text is the same JSON the second time, and after the cache was full', () => {
  const cache = new TextCache()
  const first = cache.json('a"\u202e')
  assert.equal(first, '"a\\"\\u202e"')
  for (let i = 0; i < 40_000; i++) cache.json(`x${i}`)
  assert.equal(cache.json('a"\u202e'), first)
})
test('bytes beside a list are those that need them', () => {
  assert.equal(new TextCache().list('a', ['x', '\udcff']), ',"a":["x","\\\\xff"],"a_b64":[null,"/w=="]')
})
