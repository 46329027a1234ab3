import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Interner } from './interner.ts'
import { decodeBytes, type Str } from './str.ts'

/** The string of bytes at an offset of a buffer, with other bytes around it. */
function at(interner: Interner, text: Uint8Array, offset: number, filler: number): Str {
  const memory = new ArrayBuffer(((offset + text.length + 3) & ~3) + 4)
  const bytes = Buffer.from(memory).fill(filler)
  bytes.set(text, offset)
  return interner.get({ bytes, words: new Int32Array(memory) }, offset, text.length)
}

test('from the second time on equal bytes are one object, wherever they lie and whatever follows them', () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(4), (b, word) => {
      const interner = new Interner()
      assert.equal(at(interner, b, 0, 0).text, decodeBytes(b))
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

test('what never comes again pushes nothing out', () => {
  const interner = new Interner(16)
  const kept = interner.intern('/kept')
  for (let i = 0; i < 1000; i++) at(interner, Buffer.from(`/once/${i}`), 0, 0)
  assert.equal(at(interner, Buffer.from('/kept'), 0, 0), kept)
  assert.ok(interner.evictions < 100)
})

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

test('long strings have a table of their own, which is smaller', () => {
  const interner = new Interner(256)
  const long = (i: number): string => `/${'x'.repeat(300)}/${i}`
  const short = Array.from({ length: 16 }, (_, i) => interner.intern(`/short/${i}`))
  for (let i = 0; i < 1000; i++) assert.equal(interner.intern(long(i)), interner.intern(long(i)))
  assert.ok(interner.evictions >= 1000 - 16)
  for (const str of short) assert.equal(interner.intern(str.text), str)
})
