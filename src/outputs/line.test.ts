import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { COPY_STEP, Line } from './line.ts'

/** What is written, and the text it stands for. */
type Step = readonly [write: (line: Line) => void, text: string]

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const whole = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 9, 10, 999, 1000, 1e9 - 1, 1e9, 2 ** 53, -(2 ** 63), 2 ** 64),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  whole.map((n): Step => [(line) => line.int(n), String(n)]),
  fc.nat(999).map((n): Step => [(line) => line.digits(n, 9), String(n).padStart(9, '0')]),
  fc.stringMatching(/^[ -~]{0,20}$/).map((text): Step => [(line) => line.ascii(text), text]),
  fc
    .string({ unit: 'binary', maxLength: 300 })
    .map((text): Step => [(line) => line.utf8(text), text.toWellFormed()]),
  fc
    .string({ unit: 'binary', maxLength: 300 })
    .map((text): Step => [(line) => line.raw(Buffer.from(text)), text.toWellFormed()]),
  fc
    .string({ unit: 'grapheme', maxLength: 300 })
    .map((text): Step => [(line) => line.bytesOf(latin1(text)), text]),
  fc
    .string({ unit: 'grapheme', maxLength: 300 })
    .map((text): Step => [(line) => line.quoted(latin1(text)), `"${text}"`]),
)

test('a line is what was written to it, however long, and begins anew', () => {
  const line = new Line()
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      line.begin()
      for (const [write] of steps) write(line)
      const text = steps.map(([, part]) => part).join('')
      const bytes = Buffer.from(text)
      const copy = Buffer.alloc(1 + line.length + COPY_STEP)
      line.copyTo(copy, 1)
      assert.deepEqual(
        [line.text, line.length, copy.toString('latin1', 1, 1 + line.length), line.binary],
        [text, bytes.length, bytes.toString('latin1'), bytes.toString('latin1')],
      )
    }),
  )
})
test('items behind commas become a list, also when there are none', () => {
  const line = new Line()
  const list = (...items: readonly string[]): string => {
    line.begin()
    line.ascii('x:')
    const start = line.length
    for (const item of items) line.ascii(`,${item}`)
    line.enclose(start, '[', ']')
    return line.text
  }
  assert.deepEqual([list(), list('1'), list('1', '2')], ['x:[]', 'x:[1]', 'x:[1,2]'])
})
