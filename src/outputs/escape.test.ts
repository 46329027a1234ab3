import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBytes } from '../decode/str.ts'
import { jsonEscaped, jsonString, printable, visibleBytes } from './escape.ts'

/** Said independently of the code under test: a list of code points that must never come out raw. */
function isUnsafe(code: number): boolean {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true
  if (code === 0x61c || code === 0x200e || code === 0x200f) return true
  if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return true
  return code >= 0xd800 && code <= 0xdfff
}
const unsafeIn = (text: string): string[] =>
  [...text].filter((char) => isUnsafe(char.codePointAt(0)!)).map((char) => char.codePointAt(0)!.toString(16))

const shows = (text: string, expected: string): void => {
  test(`printable ${JSON.stringify(text)}`, () => assert.equal(printable(text), expected))
}
shows('plain text, Ünïcödé, 漢字 🙂', 'plain text, Ünïcödé, 漢字 🙂')
shows('a\nb\tc\rd', 'a\\nb\\tc\\rd')
shows('\u001b[2J', '\\x1b[2J')
shows('\u007f', '\\x7f')
shows('\u009b31m', '\\u009b31m')
shows('exe\u202etxt.sh', 'exe\\u202etxt.sh')
shows('\udcff\udc80', '\\xff\\x80')
shows('\ud83d', '\\ud83d')
shows('\u2028', '\\u2028')

test('bytes that are not UTF-8 are visible and the rest is left alone', () => {
  assert.equal(visibleBytes(decodeBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa4]))), 'a\\xffä')
  assert.equal(visibleBytes('x\ud800'), 'x\ufffd')
})

test('Falco text is escaped like the inside of a JSON string', () => {
  assert.equal(jsonEscaped('say "hi" \\ \n \u001b \u202e'), 'say \\"hi\\" \\\\ \\n \\u001b \\u202e')
})

/** Any text that events can hold: bytes of every kind, and the characters that matter more often than chance has them. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map(decodeBytes),
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0x2fff }), fc.integer({ min: 0xd7f0, max: 0xe010 })), {
      maxLength: 40,
    })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

test('nothing unsafe ever comes out raw', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const out of [
        printable(text),
        jsonString(text),
        jsonEscaped(text),
        jsonString(visibleBytes(text)),
      ]) {
        assert.deepEqual(unsafeIn(out), [])
        assert.ok(out.isWellFormed())
      }
    }),
    { numRuns: 2000 },
  )
})

test('JSON gives the text back, but for what is no text', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      assert.equal(JSON.parse(jsonString(text)), text.toWellFormed())
      assert.equal(JSON.parse(`"${jsonEscaped(text)}"`), text.toWellFormed())
    }),
    { numRuns: 1000 },
  )
})
