/** Guard tables as the maps of bpf/include/guard.h have them, and their way into the kernel. */

import { randomBytes } from 'node:crypto'
import {
  GUARD_DIR,
  GUARD_NAME,
  GUARD_TAIL,
  GUARD_TESTS,
  GUARD_WORDS,
  NUMBER_DIMENSIONS,
  PATH_DIMENSIONS,
  PROCESS_DIMENSIONS,
  shapeRow,
  shapesOf,
} from '../../schema/guard.ts'
import { encodeText } from '../decode/str.ts'
import type { ProcessInfo } from '../fields/context.ts'
import type { GuardMaps, GuardSet } from '../kernel/guard-maps.ts'
import { DIMENSIONS, type Dimension } from './branches.ts'
import { lineOf } from './extract.ts'
import { EVERY_CLASS, type Mask, NAME_DIMENSIONS } from './limits.ts'
import type { Held, NumberTests } from './numbers.ts'
import { GUARDED_EVENTS } from './shapes.ts'
import { ancestorMask, imageMask, type Tables } from './tables.ts'

interface Elements {
  readonly map: string
  readonly keys: Uint8Array
  readonly values: Uint8Array
  readonly count: number
}

const MASK_BYTES = GUARD_WORDS * 8
/** struct guard_config: two masks for each dimension and three more, a seed, two words. */
const CONFIG_BYTES = (DIMENSIONS.length * 2 + 3) * MASK_BYTES + 16
/** struct guard_dir_value: length, padding, three masks. */
const DIR_VALUE_BYTES = 8 + 3 * MASK_BYTES

/** Everything of one generation; written before `control.generation` names it. `auditEvery` 0: no audits. */
export function elementsOf(tables: Tables, generation: number, auditEvery: number): readonly Elements[] {
  return [
    configElements(tables, generation, auditEvery),
    shapeElements(tables, generation),
    ...keyedElements(tables, generation),
  ].filter(({ count }) => count > 0)
}

/** Elements that stand beside those of other generations, and have to be taken out one day. */
const keyedElements = ({ dirs, lookups, numbers }: Tables, generation: number): readonly Elements[] => [
  ...NAME_DIMENSIONS.map((dimension) => nameElements(dimension, lookups[dimension].table, generation)),
  ...NUMBERS.map(({ dimension, number }) =>
    numberElements(dimension, lookups[dimension].table, generation, number),
  ),
  prefixElements('guard_images', GUARD_DIR, lookups.images.table, generation, imageBytes),
  prefixElements('guard_nets', 16, lookups.nets.table, generation, netBytes),
  dirElements(dirs, generation),
  testElements(numbers, generation),
  valueElements(numbers, generation),
]

/** Dimensions whose values are numbers to the kernel. */
const NUMBERS: readonly { readonly dimension: Dimension; readonly number: (text: string) => number }[] = [
  { dimension: 'uids', number: Number },
  { dimension: 'loginuids', number: (text) => Number(text) >>> 0 },
  { dimension: 'ports', number: Number },
  { dimension: 'containers', number: (text) => (text === 'container' ? 1 : 0) },
  { dimension: 'ttys', number: (text) => (text === 'some' ? 1 : 0) },
  {
    dimension: 'tails',
    number: (text) => Buffer.from(text.padEnd(GUARD_TAIL, '\0'), 'latin1').readUInt32LE(),
  },
]

interface Prefix {
  readonly bytes: Uint8Array
  readonly bits: number
}
const imageBytes = (text: string): Prefix => {
  const bytes = encodeText(text)
  return { bytes, bits: bytes.length * 8 }
}
const netBytes = (text: string): Prefix => {
  const [hex = '', bits] = text.split('/')
  return { bytes: Buffer.from(hex, 'hex'), bits: Number(bits) }
}

export interface GuardSetOptions {
  readonly tables: Tables
  /** Of the events passed over one in so many is sent all the same, 0: none. */
  readonly auditEvery: number
  /** These tables are about to be used. */
  readonly begins?: (generation: number) => void
  /** Processes that live, as events told. */
  readonly processes?: () => Iterable<ProcessInfo>
}

/** Tables on their way into the kernel. */
export const guardSet = ({ tables, auditEvery, begins, processes }: GuardSetOptions): GuardSet => ({
  ...(begins && { begins }),
  write(maps, generation) {
    for (const { map, keys, values, count } of elementsOf(tables, generation, auditEvery))
      maps.update(maps.fd(map), keys, values, count)
  },
  addProcesses(maps, generation, namesEpoch) {
    addProcesses(tables, processes?.() ?? [], maps, { generation, namesEpoch })
  },
  remove(maps, generation) {
    for (const { map, keys, count } of keyedElements(tables, generation))
      if (count > 0) maps.remove(maps.fd(map), keys, count)
  },
})

const PROCESS_MAP = 'guard_processes'
/** struct guard_process: two starts, two words, two masks. */
const PROCESS_HEAD = 24
const PROCESS_BYTES = PROCESS_HEAD + 2 * MASK_BYTES

/** Processes without an exact start would not be found again. */
function addProcesses(
  { lookups }: Tables,
  processes: Iterable<ProcessInfo>,
  maps: GuardMaps,
  { generation, namesEpoch }: { readonly generation: number; readonly namesEpoch: number },
): void {
  const asks = (['images', 'exes', 'ttys', 'loginuids', 'ancestors'] as const).some(
    (d) => lookups[d].table.size > 0,
  )
  if (!asks) return
  const fd = maps.fd(PROCESS_MAP)
  for (const process of processes) {
    if (process.coarse) continue
    const { key, value, ...element } = room(PROCESS_MAP, 1, 8, PROCESS_BYTES)
    key.setUint32(0, generation, true)
    key.setUint32(4, process.pid, true)
    value.setBigUint64(0, BigInt(process.start), true)
    const image = { path: process.exePath.text, hasTty: process.tty !== 0, loginuid: process.loginuid }
    value.setBigUint64(8, BigInt(process.parent?.start ?? 0), true)
    value.setUint32(16, namesEpoch, true)
    // It may have made others.
    value.setUint32(20, 1, true)
    writeMask(value, PROCESS_HEAD, imageMask(lookups, image))
    writeMask(value, PROCESS_HEAD + MASK_BYTES, ancestorMask(lookups, lineOf(process)))
    maps.insert(fd, element.keys, element.values)
  }
}

const writeMask = (view: DataView, offset: number, mask: Mask): void => {
  for (let i = 0; i < GUARD_WORDS; i++)
    view.setBigUint64(offset + 8 * i, BigInt.asUintN(64, mask >> BigInt(64 * i)), true)
}

/** Room for elements, and a view of each side. */
function room(map: string, count: number, keyBytes: number, valueBytes: number) {
  const keys = new Uint8Array(count * keyBytes)
  const values = new Uint8Array(count * valueBytes)
  return { map, keys, values, count, key: new DataView(keys.buffer), value: new DataView(values.buffer) }
}

function configElements({ lookups }: Tables, generation: number, auditEvery: number): Elements {
  const { key, value, ...elements } = room('guard_configs', 1, 4, CONFIG_BYTES)
  key.setUint32(0, generation & 1, true)
  for (const [i, dimension] of DIMENSIONS.entries()) {
    writeMask(value, 2 * i * MASK_BYTES, lookups[dimension].open)
    writeMask(value, (2 * i + 1) * MASK_BYTES, lookups[dimension].other)
  }
  const notAsking = (dimensions: readonly Dimension[]): Mask =>
    dimensions.reduce((mask, d) => mask & lookups[d].open, EVERY_CLASS)
  writeMask(value, 2 * DIMENSIONS.length * MASK_BYTES, notAsking(PROCESS_DIMENSIONS))
  writeMask(value, (2 * DIMENSIONS.length + 1) * MASK_BYTES, notAsking(PATH_DIMENSIONS))
  writeMask(value, (2 * DIMENSIONS.length + 2) * MASK_BYTES, notAsking(NUMBER_DIMENSIONS))
  const end = (2 * DIMENSIONS.length + 3) * MASK_BYTES
  // Nobody can make up a directory that passes for another in the cache.
  elements.values.set(randomBytes(8), end)
  value.setUint32(end + 8, auditEvery, true)
  const asked = DIMENSIONS.reduce((bits, d, i) => (lookups[d].table.size > 0 ? bits | (1 << i) : bits), 0)
  value.setUint32(end + 12, asked, true)
  return elements
}

/** Rows of all guarded events: one that the tables do not know passes whole. */
function shapeElements({ shapes }: Tables, generation: number): Elements {
  const rows = [...GUARDED_EVENTS.values()].flatMap(({ name, id }) => {
    const masks = shapes.get(name)
    return Array.from({ length: shapesOf(id) }, (_, shape) => ({
      row: shapeRow(generation, id, shape),
      mask: masks === undefined ? EVERY_CLASS : (masks.get(shape) ?? 0n),
    }))
  })
  const { key, value, ...elements } = room('guard_shapes', rows.length, 4, MASK_BYTES)
  for (const [at, { row, mask }] of rows.entries()) {
    key.setUint32(4 * at, row, true)
    writeMask(value, at * MASK_BYTES, mask)
  }
  return elements
}

/** struct guard_name: generation, dimension, text. */
const NAME_BYTES = 8 + GUARD_NAME

function nameElements(dimension: Dimension, table: ReadonlyMap<string, Mask>, generation: number): Elements {
  const { key, value, ...elements } = room('guard_names', table.size, NAME_BYTES, MASK_BYTES)
  let i = 0
  for (const [text, mask] of table) {
    key.setUint32(i * NAME_BYTES, generation, true)
    key.setUint32(i * NAME_BYTES + 4, DIMENSIONS.indexOf(dimension), true)
    elements.keys.set(encodeText(text), i * NAME_BYTES + 8)
    writeMask(value, i * MASK_BYTES, mask)
    i++
  }
  return elements
}

function numberElements(
  dimension: Dimension,
  table: ReadonlyMap<string, Mask>,
  generation: number,
  number: (text: string) => number,
): Elements {
  const { key, value, ...elements } = room('guard_numbers', table.size, 12, MASK_BYTES)
  let i = 0
  for (const [text, mask] of table) {
    key.setUint32(i * 12, generation, true)
    key.setUint32(i * 12 + 4, DIMENSIONS.indexOf(dimension), true)
    key.setUint32(i * 12 + 8, number(text), true)
    writeMask(value, i * MASK_BYTES, mask)
    i++
  }
  return elements
}

function prefixElements(
  map: string,
  width: number,
  table: ReadonlyMap<string, Mask>,
  generation: number,
  encode: (text: string) => Prefix,
): Elements {
  const size = 8 + width
  const { key, value, ...elements } = room(map, table.size, size, MASK_BYTES)
  let i = 0
  for (const [text, mask] of table) {
    const { bytes, bits } = encode(text)
    key.setUint32(i * size, 32 + bits, true)
    key.setUint32(i * size + 4, generation, true)
    elements.keys.set(bytes, i * size + 8)
    writeMask(value, i * MASK_BYTES, mask)
    i++
  }
  return elements
}

function dirElements(dirs: Tables['dirs'], generation: number): Elements {
  const width = 8 + GUARD_DIR
  const { key, value, ...elements } = room('guard_dirs', dirs.size, width, DIR_VALUE_BYTES)
  let i = 0
  for (const [text, { within, here, below }] of dirs) {
    const bytes = encodeText(text)
    key.setUint32(i * width, (4 + bytes.length) * 8, true)
    key.setUint32(i * width + 4, generation, true)
    elements.keys.set(bytes, i * width + 8)
    value.setUint32(i * DIR_VALUE_BYTES, bytes.length, true)
    for (const [j, mask] of [within, here, below].entries())
      writeMask(value, i * DIR_VALUE_BYTES + 8 + j * MASK_BYTES, mask)
    i++
  }
  return elements
}

/** struct guard_held: two masks of classes. */
const HELD_BYTES = 2 * MASK_BYTES
const writeHeld = (view: DataView, offset: number, { asking, excluding }: Held): void => {
  writeMask(view, offset, asking)
  writeMask(view, offset + MASK_BYTES, excluding)
}
/** struct guard_test: a mask and a value of bits, and whom it is of interest to. */
const TEST_BYTES = 16 + HELD_BYTES
/** struct guard_tests: how many, bits that are looked up, a mask of classes, and the tests. */
const TESTS_HEAD = 16 + MASK_BYTES
const TESTS_BYTES = TESTS_HEAD + GUARD_TESTS * TEST_BYTES

/** Which number of which event: struct guard_argument without the generation. */
const places = (
  numbers: Tables['numbers'],
): readonly { readonly place: number; readonly of: NumberTests }[] =>
  [...numbers].flatMap(([event, byDimension]) =>
    [...byDimension].map(([dimension, of]) => ({
      place: (GUARDED_EVENTS.get(event)!.id << 3) | NUMBER_DIMENSIONS.indexOf(dimension),
      of,
    })),
  )

function testElements(numbers: Tables['numbers'], generation: number): Elements {
  const entries = places(numbers)
  const { key, value, ...elements } = room('guard_tests', entries.length, 8, TESTS_BYTES)
  for (const [i, { place, of }] of entries.entries()) {
    key.setUint32(i * 8, generation, true)
    key.setUint32(i * 8 + 4, place, true)
    const start = i * TESTS_BYTES
    value.setUint32(start, of.tests.length, true)
    value.setBigUint64(start + 8, of.mask, true)
    writeMask(value, start + 16, of.open)
    for (const [j, test] of of.tests.entries()) {
      const at = start + TESTS_HEAD + j * TEST_BYTES
      value.setBigUint64(at, test.mask, true)
      value.setBigUint64(at + 8, test.value, true)
      writeHeld(value, at + 16, test)
    }
  }
  return elements
}

function valueElements(numbers: Tables['numbers'], generation: number): Elements {
  const entries = places(numbers).flatMap(({ place, of }) =>
    [...of.values].map(([number, held]) => ({ place, number, held })),
  )
  const { key, value, ...elements } = room('guard_values', entries.length, 16, HELD_BYTES)
  for (const [i, { place, number, held }] of entries.entries()) {
    key.setUint32(i * 16, generation, true)
    key.setUint32(i * 16 + 4, place, true)
    key.setBigUint64(i * 16 + 8, number, true)
    writeHeld(value, i * HELD_BYTES, held)
  }
  return elements
}
