import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeBytes, encodeText, Interner, isLossy, Str } from './str.ts'

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

/** The string of bytes at an offset of a buffer, with other bytes around it. */
function at(interner: Interner, text: Uint8Array, offset: number, filler: number): Str {
  const u8 = new Uint8Array(((offset + text.length + 3) & ~3) + 4).fill(filler)
  u8.set(text, offset)
  return interner.get(u8, new Uint32Array(u8.buffer), offset, text.length)
}

test('equal bytes are one object, wherever they lie and whatever follows them', () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(4), (b, word) => {
      const interner = new Interner()
      const first = at(interner, b, word * 4, 0)
      assert.equal(first.text, decodeBytes(b))
      assert.equal(at(interner, b, 0, 0xff), first)
      assert.equal(at(interner, b, 8, 0x61), first)
      assert.equal(interner.intern(first.text), first)
    }),
  ))

test('one differing byte is another string', () =>
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (b, at_, flip) => {
        const interner = new Interner()
        const other = b.slice()
        const place = at_ % b.length
        other[place] = other[place]! ^ flip
        assert.notEqual(at(interner, b, 0, 0), at(interner, other, 0, 0))
      },
    ),
  ))

test('zeros at the end count', () => {
  const interner = new Interner()
  const strings = [0, 1, 2, 3, 4, 5].map((n) => at(interner, new Uint8Array(n), 0, 0))
  assert.equal(new Set(strings).size, 6)
  assert.deepEqual(
    strings.map((str) => str.text.length),
    [0, 1, 2, 3, 4, 5],
  )
})

test('the table is bounded, and what it forgets stays valid', () => {
  const interner = new Interner(16)
  const all = Array.from({ length: 1000 }, (_, i) => interner.intern(`/file/${i}`))
  assert.ok(interner.evictions >= 1000 - 16)
  for (const [i, str] of all.entries()) assert.equal(str.text, `/file/${i}`)
  assert.equal(interner.intern('/file/999'), all[999])
})

test('nothing is evicted while there is room', () => {
  const interner = new Interner(4096)
  const all = Array.from({ length: 200 }, (_, i) =>
    interner.intern(`/bench/file/${String(i).padStart(4, '0')}`),
  )
  assert.equal(interner.evictions, 0)
  for (const str of all) assert.equal(interner.intern(str.text), str)
})

test('names that differ in a few digits spread over the table', () => {
  const interner = new Interner(16384)
  for (let i = 0; i < 8000; i++) interner.intern(`/usr/lib/x86/module-${String(i).padStart(8, '0')}.so`)
  assert.ok(interner.evictions < 80, `${interner.evictions} of 8000 evicted in a half-full table`)
})
