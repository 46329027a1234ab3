import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBytes, encodeText } from '../../decode/str.ts'
import { asciiLower, asciiUpper, compareText, containsFolded } from './text.ts'

test('text is ordered as its bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.string({ unit: 'binary', maxLength: 6 }).map((s) => encodeText(s.toWellFormed())),
  )
  fc.assert(
    fc.property(bytes, bytes, (a, b) =>
      assert.equal(Math.sign(compareText(decodeBytes(a), decodeBytes(b))), Buffer.compare(a, b)),
    ),
    { numRuns: 3000 },
  )
})
test('a character beyond the basic plane is above all others', () =>
  assert.ok(compareText('\uffee', '😀') < 0))
test('a stray byte is below a longer character', () => assert.ok(compareText('\udc80', 'é') < 0))

test('folded search agrees with search in lower case', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'B', 'é', 'É', '1'), maxLength: 6 })
  fc.assert(
    fc.property(text, text, (needle, hay) =>
      assert.equal(containsFolded(needle)(hay), asciiLower(hay).includes(asciiLower(needle))),
    ),
    { numRuns: 2000 },
  )
})
test('case of other scripts stays', () => {
  assert.equal(asciiLower('ABÉ'), 'abÉ')
  assert.equal(asciiUpper('abé'), 'ABé')
})
