/** The event at hand: where its parameters are. One object for all events of a capture. */
import type { ScapEvent } from '../../../schema/scap/index.ts'
import { MAX_PARAMS } from './format.ts'

const WIDE = 4294967296

/** Values of one event: of the one at hand, or of the beginning of its call. */
export interface Params {
  readonly bytes: Buffer
  readonly view: DataView
  /** Where each value is, and how many bytes it has. */
  readonly at: Uint32Array
  readonly lengths: Uint32Array
  count: number
}

/** No values yet, of the memory in `bytes`. */
export const noParams = (bytes: Buffer): Params => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  at: new Uint32Array(MAX_PARAMS),
  lengths: new Uint32Array(MAX_PARAMS),
  count: 0,
})

/**
 * Put down where `count` values are: their lengths stand first, then they. False when they do not fit before `end`.
 */
export function locate(
  view: DataView,
  { at, lengths }: Params,
  from: number,
  count: number,
  width: 2 | 4,
  end: number,
): boolean {
  let value = from + count * width
  if (value > end) return false
  for (let i = 0; i < count; i++) {
    const length = width === 2 ? view.getUint16(from + i * 2, true) : view.getUint32(from + i * 4, true)
    at[i] = value
    lengths[i] = length
    value += length
    if (value > end) return false
  }
  return true
}

/** How many values an event of an old file has, which does not say: as many as make it as long as it is. -1: none fits. */
export function countOf(view: DataView, { params }: ScapEvent, from: number, end: number): number {
  for (let count = params.length; count >= 0; count--) {
    let value = from + count * 2
    if (value > end) continue
    for (let i = 0; i < count && value <= end; i++) value += view.getUint16(from + i * 2, true)
    if (value === end) return count
  }
  return -1
}

/** A number of 1, 2, 4 or 8 bytes; 0 for what has another length. */
export function numberOf({ view, at, lengths }: Params, i: number, signed: boolean): number {
  const place = at[i]!
  switch (lengths[i]) {
    case 8: {
      const high = signed ? view.getInt32(place + 4, true) : view.getUint32(place + 4, true)
      return high * WIDE + view.getUint32(place, true)
    }
    case 4:
      return signed ? view.getInt32(place, true) : view.getUint32(place, true)
    case 2:
      return signed ? view.getInt16(place, true) : view.getUint16(place, true)
    case 1:
      return signed ? view.getInt8(place) : view.getUint8(place)
    default:
      return 0
  }
}

/** Bytes of a text without the NUL at its end. */
export function textLength({ bytes, at, lengths }: Params, i: number): number {
  const length = lengths[i]!
  return length > 0 && bytes[at[i]! + length - 1] === 0 ? length - 1 : length
}

/** A text, one character a byte. */
export function textOf(params: Params, i: number): string {
  const place = params.at[i]!
  return params.bytes.toString('latin1', place, place + textLength(params, i))
}

/** A list of texts, each with a NUL behind it. */
export function listOf({ bytes, at, lengths }: Params, i: number): string {
  const place = at[i]!
  return bytes.toString('latin1', place, place + lengths[i]!)
}
