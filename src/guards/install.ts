/** Guard tables as the maps of bpf/include/guard.h have them, and their way into the kernel. */

import { randomBytes } from 'node:crypto'
import {
  GUARD_DIR,
  GUARD_EVENTS,
  GUARD_NAME,
  GUARD_SHAPES,
  GUARD_TAIL,
  GUARD_WORDS,
} from '../../schema/guard.ts'
import { encodeText } from '../decode/str.ts'
import type { GuardSet } from '../kernel/guard-maps.ts'
import { DIMENSIONS } from './branches.ts'
import { GUARDED_EVENTS } from './shapes.ts'
import { EVERY_CLASS, type Mask, type Tables } from './tables.ts'

interface Elements {
  readonly map: string
  readonly keys: Uint8Array
  readonly values: Uint8Array
  readonly count: number
}

const MASK_BYTES = GUARD_WORDS * 8
/** struct guard_config: a mask for each dimension, a seed, two words. */
const CONFIG_BYTES = DIMENSIONS.length * MASK_BYTES + 16
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
const keyedElements = (tables: Tables, generation: number): readonly Elements[] => [
  nameElements('guard_components', GUARD_NAME, tables.keyed.components, generation, encodeText),
  nameElements('guard_bases', GUARD_NAME, tables.keyed.bases, generation, encodeText),
  nameElements('guard_tails', GUARD_TAIL, tables.keyed.tails, generation, latin1),
  dirElements(tables, generation),
]
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** Tables on their way into the kernel; of the events passed over one in `auditEvery` is sent all the same, 0: none. */
export const guardSet = (tables: Tables, auditEvery: number): GuardSet => ({
  write(maps, generation) {
    for (const { map, keys, values, count } of elementsOf(tables, generation, auditEvery))
      maps.update(maps.fd(map), keys, values, count)
  },
  remove(maps, generation) {
    for (const { map, keys, count } of keyedElements(tables, generation))
      if (count > 0) maps.remove(maps.fd(map), keys, count)
  },
})

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

function configElements({ open, keyed }: Tables, generation: number, auditEvery: number): Elements {
  const { key, value, ...elements } = room('guard_configs', 1, 4, CONFIG_BYTES)
  key.setUint32(0, generation & 1, true)
  for (const [i, dimension] of DIMENSIONS.entries()) writeMask(value, i * MASK_BYTES, open[dimension])
  const end = DIMENSIONS.length * MASK_BYTES
  // Nobody can make up a directory that passes for another in the cache.
  elements.values.set(randomBytes(8), end)
  value.setUint32(end + 8, auditEvery, true)
  value.setUint32(end + 12, keyed.components.size > 0 ? 1 : 0, true)
  return elements
}

/** Rows of all guarded events: one that the tables do not know passes whole. */
function shapeElements({ shapes }: Tables, generation: number): Elements {
  const events = [...GUARDED_EVENTS.values()]
  const { key, value, ...elements } = room('guard_shapes', events.length * GUARD_SHAPES, 4, MASK_BYTES)
  for (const [i, { name, id }] of events.entries()) {
    const masks = shapes.get(name)
    for (let shape = 0; shape < GUARD_SHAPES; shape++) {
      const at = i * GUARD_SHAPES + shape
      key.setUint32(4 * at, ((generation & 1) * GUARD_EVENTS + id) * GUARD_SHAPES + shape, true)
      writeMask(value, at * MASK_BYTES, masks === undefined ? EVERY_CLASS : (masks.get(shape) ?? 0n))
    }
  }
  return elements
}

function nameElements(
  map: string,
  width: number,
  table: ReadonlyMap<string, Mask>,
  generation: number,
  encode: (text: string) => Uint8Array,
): Elements {
  const { key, value, ...elements } = room(map, table.size, 4 + width, MASK_BYTES)
  let i = 0
  for (const [text, mask] of table) {
    key.setUint32(i * (4 + width), generation, true)
    elements.keys.set(encode(text), i * (4 + width) + 4)
    writeMask(value, i * MASK_BYTES, mask)
    i++
  }
  return elements
}

function dirElements({ dirs }: Tables, generation: number): Elements {
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
