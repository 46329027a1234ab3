import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import {
  COUNTER_WORDS,
  EVENT_TYPES,
  EXEC_NAMES_MAX,
  FAMILIES,
  HEADER_SIZE,
  HEADER_SLOTS,
  isVariable,
  layoutOf,
  PROGRAM_COUNTERS,
  RECORD_FLAGS,
  RECORD_MAX,
} from './index.ts'

const repeated = <T>(items: readonly T[]): T[] => items.filter((item, i) => items.indexOf(item) !== i)
const sourceOf = (object: string): string => join(import.meta.dirname, '../bpf/programs', `${object}.bpf.c`)

test('event ids are unique', () => assert.deepEqual(repeated(EVENT_TYPES.map(({ id }) => id)), []))
test('event ids fit 16 bits, and 0 is none', () =>
  assert.deepEqual(
    EVENT_TYPES.filter(({ id }) => !Number.isInteger(id) || id < 1 || id > 0xffff),
    [],
  ))
test('event names are unique', () => assert.deepEqual(repeated(EVENT_TYPES.map(({ name }) => name)), []))
const RECORDS = [...new Set(FAMILIES.map((family) => family.record ?? family))]
test('record names are unique', () => assert.deepEqual(repeated(RECORDS.map(({ name }) => name)), []))

test('a program has one name, one hook, one object', () => {
  const places = new Map<string, string>()
  for (const { family, programs } of EVENT_TYPES)
    for (const { name, section, object = family.object } of programs) {
      const place = `${section} in ${object}`
      assert.equal(places.get(name) ?? place, place, name)
      places.set(name, place)
    }
})

test('every event has a program', () =>
  assert.deepEqual(
    EVENT_TYPES.filter(({ programs }) => programs.length === 0),
    [],
  ))

for (const family of FAMILIES) {
  test(`${family.name}: everything is documented`, () => {
    const texts = [
      family.doc,
      family.limits,
      ...family.events.map(({ doc }) => doc),
      ...Object.values(family.fields).map(({ doc }) => doc),
    ]
    assert.deepEqual(
      texts.filter((text) => text.trim() === ''),
      [],
    )
  })
}

for (const family of RECORDS) {
  test(`${family.name}: the source of their objects has its programs`, () => {
    for (const { programs } of family.events)
      for (const { name, section, object = family.object } of programs) {
        const file = sourceOf(object)
        assert.ok(existsSync(file), `${file} is missing`)
        const source = readFileSync(file, 'utf8')
        assert.ok(source.includes(`SEC("${section}")`), `${section} in ${file}`)
        assert.match(source, new RegExp(`\\b${name}\\b`), `${name} in ${file}`)
      }
  })

  test(`${family.name}: fields are C names, aligned, do not overlap, and fit the record`, () => {
    const { slots, size } = layoutOf(family)
    let end = HEADER_SIZE
    for (const { name, offset, size: bytes, decl } of slots) {
      assert.match(name, /^[a-z][a-z0-9_]*$/)
      assert.ok(offset >= end, `${name} at ${offset} overlaps what ends at ${end}`)
      assert.equal(offset % (isVariable(decl.storage) ? 4 : Math.min(bytes, 8)), 0, `alignment of ${name}`)
      end = offset + bytes
    }
    assert.ok(size >= end && size % 8 === 0)
    assert.ok(size < RECORD_MAX)
  })

  test(`${family.name}: the last value starts where 16 bits can say`, () => {
    const { slots, size } = layoutOf(family)
    let start = size
    for (const { name, unit, decl } of slots.filter((slot) => isVariable(slot.decl.storage))) {
      assert.ok(start <= 0xffff * unit, `${name} may start at ${start}`)
      start += ((decl.max ?? 0) + 7) & ~7
    }
  })
}

test('the header has 104 bytes', () => assert.equal(HEADER_SIZE, 104))
test('header fields are aligned and follow one another', () => {
  let end = 0
  for (const { name, offset, size } of HEADER_SLOTS.values()) {
    assert.ok(offset >= end, name)
    end = offset + size
  }
  assert.equal(end, HEADER_SIZE)
})
test('record flags are single bits of 16', () => {
  const bits = Object.values(RECORD_FLAGS)
  assert.deepEqual(repeated(bits), [])
  for (const bit of bits) assert.ok(bit > 0 && bit < 0x10000 && (bit & (bit - 1)) === 0)
})
test('counters fit their row', () => assert.ok(PROGRAM_COUNTERS.length <= COUNTER_WORDS))
test('an exec record has more room for names', () => assert.ok(EXEC_NAMES_MAX > RECORD_MAX))
