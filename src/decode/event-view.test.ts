import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  EVENT_TYPES,
  type EventType,
  HEADER_SIZE,
  isVariable,
  layoutOf,
  type Slot,
} from '../../schema/index.ts'
import { encodeRecord, type FieldValue, type RecordInit } from './encode.ts'
import { EventView, slotOf } from './event-view.ts'
import { Interner } from './interner.ts'
import { encodeText } from './str.ts'

const interner = new Interner()

/** A view over records that lie one after the other, as in a ring. */
function viewOf(...records: readonly Uint8Array[]): { view: EventView; offsets: number[] } {
  const all = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0))
  const offsets: number[] = []
  let at = 0
  for (const record of records) {
    offsets.push(at)
    all.set(record, at)
    at += record.length
  }
  const view = new EventView(interner)
  view.map(all.buffer)
  return { view, offsets }
}

function read(init: RecordInit): EventView {
  const record = encodeRecord(init)
  const { view } = viewOf(record)
  assert.equal(view.seek(0, record.length), undefined)
  return view
}

const RANGES = {
  u16: [0n, 0xffffn],
  u32: [0n, 0xffffffffn],
  s32: [-0x80000000n, 0x7fffffffn],
  u64: [0n, 0xffffffffffffffffn],
  s64: [-0x8000000000000000n, 0x7fffffffffffffffn],
} as const

/** Any value a field can hold; undefined leaves it out. */
function anyValue({ decl }: Slot): fc.Arbitrary<FieldValue | undefined> {
  switch (decl.storage) {
    case 'u16':
    case 'u32':
    case 's32':
    case 'u64':
    case 's64': {
      const [min, max] = RANGES[decl.storage]
      return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max))
    }
    case 'ip':
      return fc.uint8Array({ minLength: 16, maxLength: 16 })
    case 'str':
      return fc.option(fc.uint8Array({ minLength: 1, maxLength: Math.min(decl.max ?? 40, 40) }), {
        nil: undefined,
      })
    case 'bytes':
      return fc.option(fc.uint8Array({ minLength: 1, maxLength: Math.min(decl.max ?? 40, 40) }), {
        nil: undefined,
      })
    case 'strv':
      return fc.option(fc.array(fc.stringMatching(/^[a-z-]{0,6}$/), { minLength: 1, maxLength: 4 }), {
        nil: undefined,
      })
    default:
      return decl.storage satisfies never
  }
}

const fieldsOf = (type: EventType): fc.Arbitrary<Record<string, FieldValue>> =>
  fc
    .record(Object.fromEntries(layoutOf(type.family).slots.map((slot) => [slot.name, anyValue(slot)])))
    .map(
      (fields) =>
        Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<
          string,
          FieldValue
        >,
    )

function assertField(view: EventView, slot: Slot, value: FieldValue | undefined): void {
  const { name, decl } = slot
  if (decl.storage === 'ip') {
    const bytes = value as Uint8Array
    assert.deepEqual(view.ip(name), bytes.some((byte) => byte !== 0) ? bytes : undefined)
    return
  }
  if (!isVariable(decl.storage)) {
    assert.equal(view.number(name), Number(value))
    // bigint is for the 64-bit storages.
    if (slot.size === 8) assert.equal(view.bigint(name), value)
    return
  }
  if (value === undefined) {
    assert.equal(view.string(name), undefined)
    assert.equal(view.bytes(name), undefined)
    return
  }
  const bytes = Array.isArray(value)
    ? Buffer.from(value.map((s) => `${s}\0`).join(''))
    : (value as Uint8Array)
  assert.deepEqual([...view.bytes(name)!], [...bytes])
  assert.deepEqual([...encodeText(view.string(name)!.text)], [...bytes])
  assert.equal(view.cutFrom(name), undefined)
}

// One event of each family: the others share its layout.
for (const type of EVENT_TYPES.filter((candidate) => candidate.family.events[0]!.name === candidate.name))
  test(`${type.family.record ? type.name : type.family.name}: what is encoded is what is read`, () =>
    fc.assert(
      fc.property(fieldsOf(type), (fields) => {
        const view = read({ event: type.name, fields })
        assert.equal(view.type, type)
        for (const slot of layoutOf(type.family).slots) assertField(view, slot, fields[slot.name])
      }),
      { numRuns: 30 },
    ))

test('the header', () => {
  const init = {
    pid: 4_000_000_000,
    tid: 7,
    uid: 4_294_967_294,
    cpu: 300,
    flags: 3,
    prog: 12,
    seq: 2 ** 40 + 1,
    start: 123_456_789_012_345,
    cgroup: 2 ** 33 + 5,
  }
  const view = read({ event: 'openat', time: 9_007_199_254_740_993n, ...init })
  for (const [name, value] of Object.entries(init)) assert.equal(view[name as keyof typeof init], value, name)
  assert.equal(view.name, 'openat')
  assert.equal(view.timeNs, 9_007_199_254_740_993n)
  assert.equal(view.time, 2 ** 53)
  assert.equal(view.cgroupV1, 0)
})

const refused = (
  what: string,
  change: (record: DataView) => void,
  length: (n: number) => number,
  why: string,
) =>
  test(`a record ${what} is ${why}`, () => {
    const record = encodeRecord({ event: 'openat', fields: { name: 'x' } })
    change(new DataView(record.buffer))
    const { view } = viewOf(record)
    assert.equal(view.seek(0, length(record.length)), why)
  })
const SIZE_AT = 4
const keep = (): void => {}
refused('of no length', keep, () => 0, 'short')
refused('of 39 bytes', keep, () => 39, 'short')
refused(
  'with an unknown id',
  (r) => r.setUint16(0, 19, true),
  (n) => n,
  'unknown_event',
)
refused(
  'with the id 0',
  (r) => r.setUint16(0, 0, true),
  (n) => n,
  'unknown_event',
)
refused(
  'with the largest id',
  (r) => r.setUint16(0, 0xffff, true),
  (n) => n,
  'unknown_event',
)
refused(
  'that says it is longer',
  (r) => r.setUint32(SIZE_AT, 10_000, true),
  (n) => n,
  'bad_size',
)
refused(
  'of the header alone',
  (r) => r.setUint32(SIZE_AT, HEADER_SIZE, true),
  (n) => n,
  'bad_size',
)
refused('cut short', keep, (n) => n - 8, 'bad_size')

/** More than the fixed part of any record. */
const NOISE = 1024
test('any bytes: seek refuses or the getters answer, nothing is thrown', () =>
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: NOISE, maxLength: NOISE }),
      fc.constantFrom(...EVENT_TYPES),
      (noise, type) => {
        const words = new DataView(noise.buffer)
        words.setUint16(0, type.id, true)
        words.setUint32(SIZE_AT, NOISE, true)
        const { view } = viewOf(noise)
        assert.equal(view.seek(0, NOISE), undefined)
        for (const slot of layoutOf(type.family).slots) {
          view.bytes(slot.name)
          view.cutFrom(slot.name)
          if (isVariable(slot.decl.storage)) view.string(slot.name)
          else if (slot.decl.storage === 'ip') view.ip(slot.name)
          else assert.equal(typeof view.number(slot.name), 'number')
        }
      },
    ),
  ))

test('a view moves from record to record of other families', () => {
  const open = encodeRecord({ event: 'openat', pid: 5, fields: { name: '/etc/passwd', fd: -2 } })
  const exit = encodeRecord({ event: 'procexit', pid: 6, fields: { ret: 3 } })
  const { view, offsets } = viewOf(open, exit, open)
  for (const [i, [record, pid, name, ret]] of (
    [
      [open, 5, '/etc/passwd', undefined],
      [exit, 6, undefined, 3],
      [open, 5, '/etc/passwd', undefined],
    ] as const
  ).entries()) {
    assert.equal(view.seek(offsets[i]!, record.length), undefined)
    assert.equal(view.pid, pid)
    assert.equal(view.string('name')?.text, name)
    assert.equal(view.number('ret'), ret)
    assert.equal(view.has('name'), name !== undefined)
  }
})

test('a failed seek leaves the type as it was', () => {
  const open = encodeRecord({ event: 'openat' })
  const { view } = viewOf(open)
  view.seek(0, open.length)
  assert.equal(view.seek(0, 8), 'short')
  assert.equal(view.name, 'openat')
})

test('a value longer than its limit says how long it was', () => {
  const view = read({ event: 'procexit', fields: {} })
  assert.equal(view.cutFrom('status'), undefined)
  const long = read({ event: 'task_rename', fields: { oldname: 'a'.repeat(40), newname: 'b' } })
  assert.equal(long.string('oldname')!.text, 'a'.repeat(16))
  assert.equal(long.cutFrom('oldname'), 40)
  assert.equal(long.string('newname')!.text, 'b')
  assert.equal(long.cutFrom('newname'), undefined)
})

test('fields that an event has not are undefined', () => {
  const view = read({ event: 'procexit' })
  assert.equal(view.number('nonsense'), undefined)
  assert.equal(view.string('nonsense'), undefined)
  assert.equal(view.bigint('nonsense'), undefined)
  assert.equal(view.bytes('nonsense'), undefined)
  assert.equal(view.ip('status'), undefined)
  assert.equal(view.bytes('status'), undefined)
})

test('numberAt of text is an error of the program', () => {
  const view = read({ event: 'openat', fields: { name: 'x' } })
  assert.throws(() => view.numberAt(slotOf(view.type.family, 'name')!), TypeError)
})

const encodeFails = (what: string, init: RecordInit, error: typeof RangeError | typeof TypeError) =>
  test(`encodeRecord refuses ${what}`, () => assert.throws(() => encodeRecord(init), error))
encodeFails('an unknown event', { event: 'nonsense' }, RangeError)
encodeFails('an unknown field', { event: 'openat', fields: { nonsense: 1 } }, RangeError)
encodeFails('text for a number', { event: 'openat', fields: { fd: 'x' } }, TypeError)
encodeFails('a number for text', { event: 'openat', fields: { name: 1 } }, TypeError)
encodeFails('an address of 4 bytes', { event: 'connect', fields: { laddr: new Uint8Array(4) } }, TypeError)

test('vectors lie where 16 bits count words: two of 100 KB, and one that was cut', () => {
  const [argv, env] = ['a', 'e'].map((letter) =>
    Array.from({ length: 100 }, (_, i) => letter.repeat(1000 + i)),
  )
  const view = read({ event: 'execve', fields: { filename: '/bin/true', argv: argv!, env: env! } })
  for (const [name, words] of [
    ['argv', argv],
    ['env', env],
  ] as const) {
    const whole = `${words!.join('\0')}\0`
    assert.equal(view.string(name)?.text, whole)
    assert.equal(Buffer.from(view.bytes(name)!).toString(), whole)
    assert.deepEqual([view.sizeOf(name), view.cutFrom(name)], [whole.length, undefined])
  }
  const long = read({ event: 'execve', fields: { argv: 'x'.repeat(200_000) } })
  assert.deepEqual([long.sizeOf('argv'), long.cutFrom('argv')], [131072, 200_000])
})
