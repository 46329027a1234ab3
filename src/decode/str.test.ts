import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeBytes, encodeText, isLossy, Str } from './str.ts'

const decodes = (bytes: readonly number[], text: string) =>
  test(`${Buffer.from(bytes).toString('hex') || 'nothing'} is ${JSON.stringify(text)}`, () => {
    assert.equal(decodeBytes(Uint8Array.from(bytes)), text)
    assert.deepEqual([...encodeText(text)], bytes)
  })

decodes([], '')
decodes([0x2f, 0x61], '/a')
decodes([0xc3, 0xa9], 'é')
decodes([0xe2, 0x82, 0xac], '€')
decodes([0xf0, 0x9f, 0x90, 0x92], '🐒')
decodes([0xef, 0xbb, 0xbf, 0x61], '\ufeffa') // a byte order mark is text
decodes([0xff], '\udcff')
decodes([0x61, 0x80, 0x62], 'a\udc80b')
decodes([0xc3], '\udcc3') // cut short
decodes([0xc0, 0xaf], '\udcc0\udcaf') // overlong slash
decodes([0xe0, 0x80, 0xaf], '\udce0\udc80\udcaf')
decodes([0xed, 0xb2, 0x80], '\udced\udcb2\udc80') // an encoded surrogate must not pass for an escaped byte
decodes([0xf4, 0x90, 0x80, 0x80], '\udcf4\udc90\udc80\udc80') // above U+10FFFF
decodes([0xff, 0xc3, 0xa9, 0xf0, 0x9f], '\udcffé\udcf0\udc9f')
decodes([0x00, 0x0a, 0x1b], '\0\n\u001b')

/** Bytes with all sorts of broken UTF-8, which evenly spread bytes rarely are. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => new Uint8Array(Buffer.from(text, 'utf8'))),
  fc
    .array(fc.constantFrom(0x2f, 0x61, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0x90, 0xf4, 0xff), {
      maxLength: 40,
    })
    .map((list) => Uint8Array.from(list)),
)

test('any bytes come back exactly', () =>
  fc.assert(fc.property(bytes, (b) => assert.deepEqual([...encodeText(decodeBytes(b))], [...b]))))
test('different bytes are different text', () =>
  fc.assert(
    fc.property(bytes, bytes, (a, b) =>
      assert.equal(decodeBytes(a) === decodeBytes(b), Buffer.compare(a, b) === 0),
    ),
  ))
test('text is lossy just when the bytes are not UTF-8', () =>
  fc.assert(
    fc.property(bytes, (b) =>
      assert.equal(isLossy(decodeBytes(b)), !Buffer.from(Buffer.from(b).toString('utf8')).equals(b)),
    ),
  ))
test('a prefix or suffix of the bytes is one of the text', () =>
  fc.assert(
    fc.property(bytes, fc.constantFrom('/', '/a', 'é', '.sh'), (b, word) => {
      assert.ok(decodeBytes(Buffer.concat([encodeText(word), b])).startsWith(word))
      assert.ok(decodeBytes(Buffer.concat([b, encodeText(word)])).endsWith(word))
    }),
  ))

const base = (path: string, expected: string) =>
  test(`last component of '${path}'`, () => assert.equal(new Str(path).base.text, expected))
base('/etc/shadow', 'shadow')
base('/', '')
base('name', 'name')
base('/a/', '')
base('', '')

const directory = (path: string, expected: string) =>
  test(`directory of '${path}'`, () => assert.equal(new Str(path).directory.text, expected))
directory('/etc/shadow', '/etc')
directory('/etc', '/')
directory('name', '')
directory('/a/b/', '/a/b')
directory('', '')

test('base and directory are made once', () => {
  const str = new Str('/a/b')
  assert.equal(str.base, str.base)
  assert.equal(str.directory, str.directory)
})
