/**
 * Tarsier's capture format on disk (docs/capture.md): a signature, then frames. A frame has a header of 64 bytes with a
 * checksum of its own, a table of counts, and a payload, compressed with zstd; what is written stays as it is, so a capture
 * can be read while it grows and after a crash. Everything is little-endian.
 */
import { crc32, constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CaptureError } from '../source.ts'

/** First bytes of a file; the version of the frame format follows as u32, and four bytes 0. */
export const SIGNATURE: Buffer = Buffer.from('TARSCAP\n')
/** Of the frames; what is in records is told by the layouts in the first of them. */
export const FORMAT_VERSION = 1
/** Bytes of signature, version and padding, of the head of a frame, and below of the trailer. */
export const SIGNATURE_BYTES = 16
export const FRAME_BYTES = 64
const FRAME_MAGIC = 0x4b4c4254 // TBLK

/**
 * `facts`: JSON about host and schema, first in the file. `items`: what happened, in order. `state`: what a reader must
 * know who begins here. `index`: where frames are, last in a file that was closed.
 */
const FRAME_KINDS = ['facts', 'items', 'state', 'index'] as const
export type FrameKind = (typeof FRAME_KINDS)[number]

/** Most bytes of a payload before compression; what claims more is not ours. */
const MAX_RAW: number = 16 << 20
const MAX_COUNTS = 4096
/** Least that zlib takes. */
const MIN_CHUNK = 64

export interface FrameHeader {
  readonly kind: FrameKind
  /** Bytes of the payload as stored, and as they were. */
  readonly stored: number
  readonly raw: number
  readonly items: number
  /** Entries of the table of counts. */
  readonly counts: number
  /** CLOCK_MONOTONIC ns of the earliest and latest record; 0 without any. */
  readonly first: bigint
  readonly last: bigint
  /** CLOCK_REALTIME minus CLOCK_MONOTONIC at its end, ns. */
  readonly wall: bigint
  /** Checksum of counts and payload. */
  readonly sum: number
  /** Events lost, as far as gaps in it tell. */
  readonly lost: number
}

export type FrameInit = Pick<FrameHeader, 'kind' | 'items' | 'first' | 'last' | 'wall' | 'lost'>

/** A whole frame, ready to be written. `counts`: records by wire id. */
export function encodeFrame(
  init: FrameInit,
  payload: Uint8Array,
  counts: ReadonlyMap<number, number>,
): Buffer {
  const stored = zstdCompressSync(payload, { params: { [zlib.ZSTD_c_compressionLevel]: 3 } })
  const table = Buffer.alloc(counts.size * 8)
  let at = 0
  for (const [id, count] of counts) {
    table.writeUInt32LE(id, at)
    table.writeUInt32LE(count, at + 4)
    at += 8
  }
  const head = Buffer.alloc(FRAME_BYTES)
  head.writeUInt32LE(FRAME_MAGIC, 0)
  head.writeUInt16LE(FRAME_KINDS.indexOf(init.kind) + 1, 4)
  head.writeUInt32LE(stored.length, 8)
  head.writeUInt32LE(payload.length, 12)
  head.writeUInt32LE(init.items, 16)
  head.writeUInt32LE(counts.size, 20)
  head.writeBigUInt64LE(init.first, 24)
  head.writeBigUInt64LE(init.last, 32)
  head.writeBigInt64LE(init.wall, 40)
  head.writeUInt32LE(crc32(stored, crc32(table)), 48)
  head.writeUInt32LE(init.lost, 52)
  head.writeUInt32LE(crc32(head.subarray(0, 60)), 60)
  return Buffer.concat([head, table, stored])
}

/** The header at `offset` of the file. Throws CaptureError for what is none. */
export function decodeHeader(bytes: Buffer, offset: number): FrameHeader {
  if (bytes.readUInt32LE(0) !== FRAME_MAGIC)
    throw new CaptureError('there is no block where one must begin', offset)
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60)))
    throw new CaptureError('the head of a block does not have the checksum it says', offset)
  const kind = FRAME_KINDS[bytes.readUInt16LE(4) - 1]
  if (kind === undefined)
    throw new CaptureError(
      `a block is of kind ${bytes.readUInt16LE(4)}, which this version does not know`,
      offset,
    )
  const header: FrameHeader = {
    kind,
    stored: bytes.readUInt32LE(8),
    raw: bytes.readUInt32LE(12),
    items: bytes.readUInt32LE(16),
    counts: bytes.readUInt32LE(20),
    first: bytes.readBigUInt64LE(24),
    last: bytes.readBigUInt64LE(32),
    wall: bytes.readBigInt64LE(40),
    sum: bytes.readUInt32LE(48),
    lost: bytes.readUInt32LE(52),
  }
  if (header.raw > MAX_RAW || header.stored > MAX_RAW || header.counts > MAX_COUNTS)
    throw new CaptureError(
      `a block of ${Math.max(header.raw, header.stored)} bytes is longer than any can be`,
      offset,
    )
  return header
}

/** Bytes of counts and payload of a frame. */
export const bodyBytes = ({ counts, stored }: FrameHeader): number => counts * 8 + stored

/** Check the body of a frame and unpack its payload. The bytes begin 8-aligned in a buffer of their own. */
export function decodePayload(header: FrameHeader, body: Buffer, offset: number): Uint8Array<ArrayBuffer> {
  if (crc32(body) !== header.sum)
    throw new CaptureError('a block does not have the checksum it says: the file was damaged', offset)
  const payload = new Uint8Array(header.raw)
  if (header.raw === 0) return payload
  let unpacked: Buffer
  try {
    const options = { maxOutputLength: header.raw, chunkSize: Math.max(header.raw, MIN_CHUNK) }
    unpacked = zstdDecompressSync(body.subarray(header.counts * 8), options)
  } catch {
    throw new CaptureError('a block cannot be unpacked', offset)
  }
  if (unpacked.length !== header.raw)
    throw new CaptureError(`a block has ${unpacked.length} bytes where it says ${header.raw}`, offset)
  payload.set(unpacked)
  return payload
}

/** Records by wire id. */
export function decodeCounts({ counts }: FrameHeader, body: Buffer): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  for (let at = 0; at < counts * 8; at += 8) found.set(body.readUInt32LE(at), body.readUInt32LE(at + 4))
  return found
}

/** Where a frame is, and what is before it: CLOCK_MONOTONIC ns of the latest record, and what to add for CLOCK_REALTIME. */
export interface Place extends Pick<FrameHeader, 'kind' | 'last' | 'wall'> {
  readonly offset: number
}

const PLACE_BYTES = 32
/** Places that an index has room for. */
export const MAX_PLACES: number = MAX_RAW / PLACE_BYTES
const TRAILER = Buffer.from('TARSIDX\n')
export const TRAILER_BYTES = 16

/** The payload of the index. */
export function encodeIndex(places: readonly Place[]): Buffer {
  const bytes = Buffer.alloc(places.length * PLACE_BYTES)
  for (const [i, { kind, offset, last, wall }] of places.entries()) {
    bytes.writeBigUInt64LE(BigInt(offset), i * PLACE_BYTES)
    bytes.writeBigUInt64LE(last, i * PLACE_BYTES + 8)
    bytes.writeBigInt64LE(wall, i * PLACE_BYTES + 16)
    bytes.writeUInt32LE(FRAME_KINDS.indexOf(kind) + 1, i * PLACE_BYTES + 24)
  }
  return bytes
}

/** Places in the order of the file, undefined without any, and when what stands there makes no sense for one of `size` bytes. */
export function decodeIndex(payload: Uint8Array, size: number): readonly Place[] | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const places: Place[] = []
  for (let at = 0; at + PLACE_BYTES <= bytes.length; at += PLACE_BYTES) {
    const offset = Number(bytes.readBigUInt64LE(at))
    const kind = FRAME_KINDS[bytes.readUInt32LE(at + 24) - 1]
    if (kind === undefined || offset >= size || offset <= (places.at(-1)?.offset ?? 0)) return undefined
    places.push({ kind, offset, last: bytes.readBigUInt64LE(at + 8), wall: bytes.readBigInt64LE(at + 16) })
  }
  return places.length === 0 ? undefined : places
}

/** The last bytes of a file that was closed: where the index is. */
export function encodeTrailer(index: number): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES)
  TRAILER.copy(bytes)
  bytes.writeBigUInt64LE(BigInt(index), 8)
  return bytes
}

/** Byte at which the index begins; undefined where there is none. */
export const decodeTrailer = (bytes: Buffer): number | undefined =>
  bytes.length === TRAILER_BYTES && bytes.subarray(0, TRAILER.length).equals(TRAILER)
    ? Number(bytes.readBigUInt64LE(8))
    : undefined
