import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBytes, Str } from '../decode/str.ts'
import type { Lookup } from '../fields/context.ts'
import { jsonString, visibleBytes } from '../outputs/escape.ts'
import { isoTime } from '../outputs/formats/time.ts'
import { Line } from '../outputs/line.ts'
import { TimeText, writeList, writeNamed, writeStr, writeTime } from './text.ts'

const lookupWith = (offset: () => bigint): Lookup =>
  ({ wallClock: (ns: bigint) => ns + offset() }) as unknown as Lookup

const lineOf = (write: (out: Line) => void): string => {
  const line = new Line()
  write(line)
  return line.text
}

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
        const moment = { time: Number(ns), timeNs: ns }
        assert.equal(
          lineOf((out) => text.wall(out, moment)),
          `"${isoTime(ns + offset)}"`,
        )
        assert.equal(
          lineOf((out) => writeTime(out, moment)),
          String(ns),
        )
      }
    }),
    { numRuns: 1000 },
  )
})

test('a text is safe JSON, the first time and when it comes again, its exact bytes beside it when they are no text', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(bytes, (value) => {
      const text = decodeBytes(value)
      const exact = text.isWellFormed() ? '' : `,"x_b64":"${Buffer.from(value).toString('base64')}"`
      const expected = jsonString(visibleBytes(text)) + exact
      const str = new Str(text)
      const written = [
        lineOf((out) => writeNamed(out, 'x', text)),
        lineOf((out) => writeStr(out, 'x', str)),
        lineOf((out) => writeStr(out, 'x', str)),
      ]
      assert.deepEqual(written, [expected, expected, expected])
    }),
    { numRuns: 1000 },
  )
})
test('without a text there is null', () =>
  assert.equal(
    lineOf((out) => writeStr(out, 'x', undefined)),
    'null',
  ))
test('bytes beside a list are those that need them', () =>
  assert.equal(
    lineOf((out) => writeList(out, 'a', ['x', '\udcff'])),
    '["x","\\\\xff"],"a_b64":[null,"/w=="]',
  ))
