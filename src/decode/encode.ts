/**
 * Records from plain objects: what the kernel would have written. Used by the `inject` source and by tests, so that they
 * go through the same decoder as live events.
 */
import {
  EVENT_TYPES,
  HEADER_SIZE,
  HEADER_SLOTS,
  isVariable,
  layoutOf,
  type Slot,
} from '../../schema/index.ts'
import { encodeText } from './str.ts'

export type FieldValue = number | bigint | string | readonly string[] | Uint8Array

export interface RecordInit {
  readonly event: string
  readonly pid?: number
  readonly tid?: number
  readonly start?: number | bigint
  readonly uid?: number
  readonly cpu?: number
  readonly time?: number | bigint
  readonly seq?: number
  readonly flags?: number
  readonly prog?: number
  readonly cgroup?: number
  readonly cgroupV1?: number
  readonly fields?: Readonly<Record<string, FieldValue>>
}

/** Encode one record. Throws RangeError for an unknown event or field, TypeError for a value of the wrong kind. */
export function encodeRecord(init: RecordInit): Uint8Array {
  const { id, layout, names } = shapeOf(init.event)
  const fields = init.fields ?? {}
  for (const name of Object.keys(fields))
    if (!names.has(name)) throw new RangeError(`Event '${init.event}' has no field '${name}'`)
  const tails: { slot: Slot; bytes: Uint8Array; offset: number }[] = []
  let size = layout.size
  for (const slot of layout.slots) {
    const value = fields[slot.name]
    if (!isVariable(slot.decl.storage) || value === undefined) continue
    const bytes = tailBytes(slot, value)
    tails.push({ slot, bytes, offset: size })
    size += Math.ceil(keptBytes(slot, bytes) / 8) * 8
  }
  const record = new Uint8Array(size)
  const view = new DataView(record.buffer)
  writeHeader(view, init, id, size)
  for (const slot of layout.slots) {
    const value = fields[slot.name]
    if (value !== undefined && !isVariable(slot.decl.storage)) writeScalar(view, slot, value)
  }
  for (const { slot, bytes, offset } of tails) {
    const kept = keptBytes(slot, bytes)
    writeReference(view, slot, { offset, kept, total: bytes.length })
    record.set(bytes.subarray(0, kept), offset)
  }
  return record
}

/** Say where a variable value lies: `offset` is a multiple of 8, `kept` of its `total` bytes are there. */
export function writeReference(
  view: DataView,
  { offset, unit }: Pick<Slot, 'offset' | 'unit'>,
  value: { readonly offset: number; readonly kept: number; readonly total: number },
): void {
  view.setUint16(offset, value.offset / unit, true)
  view.setUint16(offset + 2, Math.ceil(value.kept / unit), true)
  view.setUint32(offset + 4, value.total, true)
}

/** What is the same for all records of an event. */
interface Shape {
  readonly id: number
  readonly layout: ReturnType<typeof layoutOf>
  readonly names: ReadonlySet<string>
}

/** Made when they are first asked for. */
const SHAPES = new Map<string, Shape>()

function shapeOf(event: string): Shape {
  const known = SHAPES.get(event)
  if (known !== undefined) return known
  const type = EVENT_TYPES.find(({ name }) => name === event)
  if (type === undefined) throw new RangeError(`Unknown event '${event}'`)
  const layout = layoutOf(type.family)
  const shape = { id: type.id, layout, names: new Set(layout.slots.map(({ name }) => name)) }
  SHAPES.set(event, shape)
  return shape
}

const keptBytes = ({ decl }: Slot, bytes: Uint8Array): number =>
  Math.min(bytes.length, decl.max ?? bytes.length)

function tailBytes(slot: Slot, value: FieldValue): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return encodeText(value)
  if (Array.isArray(value))
    return Buffer.concat(value.map((s: string) => Buffer.concat([encodeText(s), Buffer.of(0)])))
  throw new TypeError(`Field ${slot.name} takes text, not ${typeof value}`)
}

function writeScalar(view: DataView, slot: Slot, value: FieldValue): void {
  if (slot.decl.storage === 'ip') {
    if (!(value instanceof Uint8Array) || value.length !== 16)
      throw new TypeError(`Field ${slot.name} takes 16 bytes`)
    new Uint8Array(view.buffer).set(value, slot.offset)
    return
  }
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new TypeError(`Field ${slot.name} takes a number`)
  if (slot.size === 8) view.setBigInt64(slot.offset, BigInt(value), true)
  else if (slot.size === 4) view.setInt32(slot.offset, Number(value), true)
  else view.setUint16(slot.offset, Number(value), true)
}

function writeHeader(view: DataView, init: RecordInit, id: number, size: number): void {
  const put = (name: string, value: number | bigint): void => {
    const slot = HEADER_SLOTS.get(name)!
    if (slot.size === 2) view.setUint16(slot.offset, Number(value), true)
    else if (slot.size === 4) view.setUint32(slot.offset, Number(value), true)
    else view.setBigUint64(slot.offset, BigInt(value), true)
  }
  put('id', id)
  put('header_size', HEADER_SIZE)
  put('size', size)
  put('flags', init.flags ?? 0)
  put('prog', init.prog ?? 0)
  put('cpu', init.cpu ?? 0)
  put('time', init.time ?? 0)
  put('seq', init.seq ?? 0)
  put('tgid', init.pid ?? 0)
  put('tid', init.tid ?? init.pid ?? 0)
  put('start', init.start ?? 0)
  put('uid', init.uid ?? 0)
  put('cgroup', init.cgroup ?? 0)
  put('cgroup_v1', init.cgroupV1 ?? 0)
  const live = HEADER_SLOTS.get('live')!
  for (let i = 0; i < live.size; i += 8) view.setBigUint64(live.offset + i, 0xffffffffffffffffn, true)
}
