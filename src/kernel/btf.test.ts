import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseBtf } from './btf.ts'

/** Kinds and layouts as in Documentation/bpf/btf.rst: a type is three words and what its kind adds. */
const KIND = { INT: 1, PTR: 2, STRUCT: 4, VAR: 14, DATASEC: 15, ENUM: 6, FWD: 7 }
const info = (kind: number, vlen = 0, flag = 0): number => ((flag << 31) | (kind << 24) | vlen) >>> 0

/** BTF of these types, each a list of words in which a text stands for its offset among the strings. */
function btf(...types: readonly (string | number)[][]): Uint8Array {
  let strings = '\0'
  const words = types.flat().map((word) => {
    if (typeof word === 'number') return word
    const at = strings.length
    strings += `${word}\0`
    return at
  })
  const bytes = new Uint8Array(24 + 4 * words.length + strings.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 0xeb9f, true)
  view.setUint8(2, 1)
  for (const [i, word] of [24, 0, 4 * words.length, 4 * words.length, strings.length].entries())
    view.setUint32(4 + 4 * i, word, true)
  for (const [i, word] of words.entries()) view.setUint32(24 + 4 * i, word, true)
  bytes.set(Buffer.from(strings), 24 + 4 * words.length)
  return bytes
}

const INT = ['int', info(KIND.INT), 4, 0x20]
const SAMPLE = btf(
  INT,
  ['', info(KIND.PTR), 1],
  ['colour', info(KIND.ENUM, 2), 4, 'red', 0, 'green', 1],
  ['point', info(KIND.STRUCT, 2), 16, 'x', 1, 0, 'y', 1, 64],
  ['bits', info(KIND.STRUCT, 2, 1), 8, 'a', 1, (3 << 24) | 0, 'b', 1, (5 << 24) | 32],
  ['have_it', info(KIND.VAR), 1, 1],
  ['level', info(KIND.VAR), 1, 1],
  ['.rodata', info(KIND.DATASEC, 2), 8, 6, 0, 1, 7, 4, 4],
  ['point', info(KIND.FWD), 0],
)

suite('BTF', () => {
  test('a struct with the byte offsets of its members', () => {
    assert.deepEqual(parseBtf(SAMPLE).struct('point'), {
      name: 'point',
      size: 16,
      members: [
        { name: 'x', offset: 0 },
        { name: 'y', offset: 8 },
      ],
    })
  })
  test('bit fields have the offset of their byte', () => {
    assert.deepEqual(
      parseBtf(SAMPLE)
        .struct('bits')
        ?.members.map((m) => m.offset),
      [0, 4],
    )
  })
  test('variables of a section', () => {
    const parsed = parseBtf(SAMPLE)
    assert.deepEqual(parsed.variable('.rodata', 'have_it'), { offset: 0, size: 1 })
    assert.deepEqual(parsed.variable('.rodata', 'level'), { offset: 4, size: 4 })
  })
  test('what is not there', () => {
    const parsed = parseBtf(SAMPLE)
    assert.equal(parsed.struct('line'), undefined)
    assert.equal(parsed.struct('.rodata'), undefined)
    assert.equal(parsed.variable('.data', 'level'), undefined)
    assert.equal(parsed.variable('.rodata', 'other'), undefined)
  })
  test('what is no BTF', () => {
    assert.throws(() => parseBtf(new Uint8Array(64)), /^RangeError: Not BTF: wrong magic number$/)
    assert.throws(() => parseBtf(SAMPLE.subarray(0, 10)), /^RangeError: Not BTF/)
    assert.throws(() => parseBtf(SAMPLE.subarray(0, 60)), /^RangeError: BTF is cut short$/)
  })
  test('damaged bytes end in a result or a RangeError', () => {
    fc.assert(
      fc.property(fc.nat(SAMPLE.length - 1), fc.nat(255), (at, value) => {
        const damaged = SAMPLE.slice()
        damaged[at] = value
        try {
          parseBtf(damaged).struct('point')
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error))
        }
      }),
    )
  })
})
