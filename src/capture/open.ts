/** Formats of captures, told apart by how a file begins. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { gunzipSync, constants as zlib } from 'node:zlib'
import type { Interner } from '../decode/interner.ts'
import { openCapture as openNative } from './native/reader.ts'
import { SCAP_MAGIC, ScapCapture } from './scap/reader.ts'
import type { Capture } from './source.ts'
import { openCapture as openTracee } from './tracee/reader.ts'

/** Formats by name; `auto` looks at how the file begins. */
export const CAPTURE_FORMATS = ['auto', 'tarsier', 'scap', 'tracee'] as const
export type CaptureFormat = (typeof CAPTURE_FORMATS)[number]

const HEAD_BYTES = 512

/** The first bytes of a file; none of what is no file. */
function headOf(file: string): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  // Opening a pipe would wait for somebody to write to it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!fstatSync(fd).isFile()) return Buffer.alloc(0)
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0))
  } finally {
    closeSync(fd)
  }
}

/** Is it a scap capture, packed with gzip or not? */
const isScapHead = (head: Buffer): boolean => unpacked(head).subarray(0, SCAP_MAGIC.length).equals(SCAP_MAGIC)

function unpacked(bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 })
  } catch {
    return Buffer.alloc(0)
  }
}

/** What a file is by how it begins; what begins like nothing is taken for ours, whose reader says what is wrong. */
export function formatByHead(file: string): Exclude<CaptureFormat, 'auto'> {
  const head = headOf(file)
  if (isScapHead(head)) return 'scap'
  return head.toString('latin1').trimStart().startsWith('{') ? 'tracee' : 'tarsier'
}

/** Open a capture. Throws CaptureError, and what the system says where the file cannot be opened. */
export async function openCapture(
  file: string,
  interner: Interner,
  asked: CaptureFormat = 'auto',
): Promise<Capture> {
  const format = asked === 'auto' ? formatByHead(file) : asked
  switch (format) {
    case 'scap':
      return ScapCapture.open(file, interner)
    case 'tracee':
      return openTracee(file, interner)
    case 'tarsier':
      return openNative(file, interner)
    default:
      return format satisfies never
  }
}
