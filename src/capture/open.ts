/** Formats of captures, told apart by how a file begins. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { gunzipSync, constants as zlib } from 'node:zlib'
import type { Interner } from '../decode/interner.ts'
import { openCapture as openNative } from './native/reader.ts'
import { SCAP_MAGIC, ScapCapture } from './scap/reader.ts'
import type { Capture } from './source.ts'

const HEAD_BYTES = 512

/** Is it a scap capture, packed with gzip or not? */
export function isScap(file: string): boolean {
  const head = Buffer.alloc(HEAD_BYTES)
  // Opening a pipe would wait for somebody to write to it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!fstatSync(fd).isFile()) return false
    const bytes = head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0))
    return unpacked(bytes).subarray(0, SCAP_MAGIC.length).equals(SCAP_MAGIC)
  } finally {
    closeSync(fd)
  }
}

function unpacked(bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 })
  } catch {
    return Buffer.alloc(0)
  }
}

/** Open a capture of any format. Throws CaptureError, and what the system says where the file cannot be opened. */
export const openCapture = async (file: string, interner: Interner): Promise<Capture> =>
  isScap(file) ? ScapCapture.open(file, interner) : openNative(file, interner)
