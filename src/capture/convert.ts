/** From a capture of any format to a scap file. */
import { Interner } from '../decode/interner.ts'
import { formatByHead, openCapture } from './open.ts'
import { BLOCK_TAIL, MIN_BLOCK } from './scap/format.ts'
import { MAX_BLOCK, Window } from './scap/window.ts'
import { ScapFile, ScapWriter } from './scap/writer.ts'
import { CaptureError } from './source.ts'

export interface Converted {
  /** How many of what were written: events, or blocks of what was a scap file before. */
  readonly written: number
  readonly unit: 'events' | 'blocks'
  /** Bytes of the new file. */
  readonly bytes: number
  /** Events that scap files have nothing for, by name. */
  readonly leftOut: ReadonlyMap<string, number>
  readonly notes: readonly string[]
  /** What stopped the reading; what was before is written. */
  readonly fault: CaptureError | undefined
}

/**
 * Write `to`, which must not be there. A scap file keeps its blocks as they are: only packing changes. Throws CaptureError for
 * what is no capture, and what the system says of either file.
 */
export async function convertCapture(from: string, to: string, compress: boolean): Promise<Converted> {
  return formatByHead(from) === 'scap' ? copyScap(from, to, compress) : writeScap(from, to, compress)
}

async function writeScap(from: string, to: string, compress: boolean): Promise<Converted> {
  const interner = new Interner()
  const capture = await openCapture(from, interner)
  try {
    const file = new ScapFile(to, compress)
    try {
      const writer = new ScapWriter(file, capture.facts, interner)
      const fault = await untilFault(async () => {
        do {
          await capture.ready?.()
          await file.flush()
        } while (capture.play(writer))
      })
      writer.begin()
      await file.end()
      const { events: written, leftOut } = writer
      return { written, unit: 'events', bytes: file.bytes, leftOut, notes: capture.notes, fault }
    } finally {
      file.close()
    }
  } finally {
    capture.close()
  }
}

async function copyScap(from: string, to: string, compress: boolean): Promise<Converted> {
  const window = new Window(from)
  try {
    const file = new ScapFile(to, compress)
    try {
      let written = 0
      const fault = await untilFault(async () => {
        for (;;) {
          const length = await nextBlock(window)
          if (length === 0) return
          file.add(Buffer.from(window.bytes.subarray(window.start, window.start + length)))
          window.start += length
          if (++written % 4096 === 0) await file.flush()
        }
      })
      await file.end()
      return { written, unit: 'blocks', bytes: file.bytes, leftOut: new Map(), notes: [], fault }
    } finally {
      file.close()
    }
  } finally {
    window.close()
  }
}

/** Length of the block at the window's start; 0 at the end of the file. */
async function nextBlock(window: Window): Promise<number> {
  await window.fill(MIN_BLOCK)
  const left = window.end - window.start
  if (left === 0 && window.fault === undefined) return 0
  const at = window.offsetOf(window.start)
  if (left < MIN_BLOCK) throw window.fault ?? new CaptureError('the capture ends within a block', at)
  const length = window.view.getUint32(window.start + 4, true)
  if (length < MIN_BLOCK || length > MAX_BLOCK)
    throw new CaptureError(`a block says it has ${length} bytes, which none can have`, at)
  await window.fill(length)
  if (window.end - window.start < length)
    throw window.fault ?? new CaptureError('the capture ends within a block', at)
  const tail = window.view.getUint32(window.start + length - BLOCK_TAIL, true)
  if (tail !== length)
    throw new CaptureError(`a block begins with a length of ${length} bytes and ends with one of ${tail}`, at)
  return length
}

/** What the file says is wrong with it; other errors go on. */
async function untilFault(work: () => Promise<void>): Promise<CaptureError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof CaptureError) return error
    throw error
  }
}
