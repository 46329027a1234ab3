/** Reads our captures, whole or torn, while they grow or afterwards. What a file says is checked before it is used. */
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import {
  type Capture,
  CaptureError,
  type CaptureFacts,
  type CaptureSink,
  type CaptureSummary,
} from '../source.ts'
import { decodeCounts, decodePayload, FRAME_BYTES, type FrameKind, SIGNATURE_BYTES } from './format.ts'
import { FrameReader } from './frames.ts'
import { decodeFact, FACT_KIND, ITEM_BYTES, RECORD, tellFact } from './items.ts'
import {
  createTranslator,
  forgetAudit,
  holdsTogether,
  isLayouts,
  type Layouts,
  ownLayouts,
  type Translate,
} from './layouts.ts'

export interface Opened {
  readonly frames: FrameReader
  readonly facts: CaptureFacts
  readonly layouts: Layouts
}

/** Open a file and read what it says about itself. Throws CaptureError. */
function openFrames(file: string): Opened {
  const frames = new FrameReader(file)
  try {
    const frame = frames.next()
    if (frame === undefined)
      throw new CaptureError(
        'the capture ends before it says anything',
        SIGNATURE_BYTES,
        'it was just begun, or cut',
      )
    if (frame.header.kind !== 'facts')
      throw new CaptureError(
        'a capture begins with what it says about itself; this one does not',
        frame.offset,
      )
    return {
      frames,
      ...readFacts(decodePayload(frame.header, frames.body(frame), frame.offset), frame.offset),
    }
  } catch (error) {
    frames.close()
    throw error
  }
}

function readFacts(payload: Uint8Array, offset: number): { facts: CaptureFacts; layouts: Layouts } {
  let json: Readonly<Record<string, unknown>> | null
  try {
    json = JSON.parse(Buffer.from(payload).toString())
  } catch {
    json = null
  }
  const layouts = json?.['layouts']
  if (typeof json !== 'object' || json === null || !isLayouts(layouts))
    throw new CaptureError('what the capture says about its records makes no sense', offset)
  const text = (key: string): string => (typeof json[key] === 'string' ? json[key] : '')
  const count = (key: string): number => (Number.isSafeInteger(json[key]) ? (json[key] as number) : 0)
  const created = text('created')
  return {
    layouts,
    facts: {
      hostname: text('hostname'),
      hostId: text('hostId'),
      bootId: text('bootId'),
      kernel: text('kernel'),
      machine: text('machine'),
      cpus: count('cpus'),
      created: /^\d{1,19}$/.test(created) ? BigInt(created) : 0n,
      writer: text('writer'),
      agent: count('agent'),
      names: json['names'] === true,
      expression: text('expression'),
    },
  }
}

/** Open a capture for replay. Throws CaptureError, and what the system says where the file cannot be opened. */
export function openCapture(file: string, interner: Interner): Capture {
  const { frames, facts, layouts } = openFrames(file)
  const same = JSON.stringify(layouts) === JSON.stringify(ownLayouts())
  return new NativeCapture(frames, facts, interner, same ? undefined : createTranslator(layouts))
}

class NativeCapture implements Capture {
  readonly format = 'tarsier'
  readonly facts: CaptureFacts
  readonly #frames: FrameReader
  readonly #view: EventView
  /** For records of another layout. */
  readonly #made: EventView
  readonly #translate: Translate | undefined
  /** Something that happened was played. */
  #started = false
  #unknown = 0
  #strange = 0

  constructor(
    frames: FrameReader,
    facts: CaptureFacts,
    interner: Interner,
    translate: Translate | undefined,
  ) {
    this.#frames = frames
    this.facts = facts
    this.#view = new EventView(interner)
    this.#made = new EventView(interner)
    this.#translate = translate
  }

  get progress(): { readonly done: number; readonly total: number } {
    return { done: Math.min(this.#frames.offset, this.#frames.size), total: this.#frames.size }
  }

  get notes(): readonly string[] {
    return [
      ...endingNote(this.#frames),
      ...(this.#unknown > 0
        ? [`${this.#unknown} records of events that are not known here were left out`]
        : []),
      ...(this.#strange > 0 ? [`${this.#strange} items that make no sense were left out`] : []),
    ]
  }

  seek(wallNs: bigint): void {
    let best = this.#frames.offset
    let before: FrameKind | undefined
    for (const { kind, offset, last, wall } of this.#frames.index() ?? this.#frames.places()) {
      if (last + wall > wallNs && last > 0n) break
      // A long state has several frames.
      if (kind === 'state' && before !== 'state') best = offset
      before = kind
    }
    this.#frames.moveTo(best)
  }

  play(sink: CaptureSink): boolean {
    const frame = this.#frames.next()
    if (frame === undefined) return false
    const { header, offset } = frame
    // Whoever was there all the time knows what a state says.
    if (header.kind === 'items' || (header.kind === 'state' && !this.#started)) {
      if (header.kind === 'items') this.#started = true
      this.#playItems(decodePayload(header, this.#frames.body(frame), offset), offset, sink)
    }
    return true
  }

  close(): void {
    this.#frames.close()
  }

  #playItems(payload: Uint8Array<ArrayBuffer>, offset: number, sink: CaptureSink): void {
    if (payload.length % 8 !== 0) throw new CaptureError('the items of a block do not fill it', offset)
    const sizes = new Uint32Array(payload.buffer)
    const words = new Uint16Array(payload.buffer)
    this.#view.map(payload.buffer)
    for (let at = 0; at < payload.length; ) {
      const length = sizes[at >> 2]!
      const begin = at + ITEM_BYTES
      if (length > payload.length - begin)
        throw new CaptureError(`an item of ${length} bytes at ${at} of its block does not fit`, offset)
      const kind = payload[at + 4]!
      if (kind === RECORD) this.#playRecord(payload, words, begin, length, payload[at + 5]!, sink)
      else this.#playFact(kind, payload.subarray(begin, begin + length), sink)
      at = begin + ((length + 7) & ~7)
    }
  }

  #playFact(kind: number, bytes: Uint8Array, sink: CaptureSink): void {
    const fact = kind === FACT_KIND ? decodeFact(bytes) : undefined
    if (fact === undefined) this.#strange++
    else tellFact(sink, fact)
  }

  #playRecord(
    payload: Uint8Array<ArrayBuffer>,
    words: Uint16Array,
    begin: number,
    length: number,
    ring: number,
    sink: CaptureSink,
  ): void {
    if (this.#translate === undefined) {
      this.#hand(this.#view, words, begin, length, ring, sink)
      return
    }
    const made = this.#translate(payload.subarray(begin, begin + length))
    if (made === undefined) {
      this.#unknown++
      return
    }
    this.#made.map(made.buffer)
    this.#hand(this.#made, new Uint16Array(made.buffer), 0, made.length, ring, sink)
  }

  #hand(
    view: EventView,
    words: Uint16Array,
    at: number,
    length: number,
    ring: number,
    sink: CaptureSink,
  ): void {
    const fault = view.seek(at, length)
    if (fault === 'unknown_event') this.#unknown++
    else if (fault !== undefined || !holdsTogether(words, at, view.type.id, view.recordSize)) this.#strange++
    else {
      view.ring = ring === 0 ? 'critical' : 'bulk'
      forgetAudit(words, at)
      sink.event(view)
    }
  }
}

/** What a reader should know of how a file ends. */
function endingNote({ ending, offset, size }: FrameReader): readonly string[] {
  if (ending === 'torn')
    return [
      `the capture ends within a block at byte ${offset} (${size - offset} bytes left out): it is still being written, or whoever wrote it was stopped`,
    ]
  if (ending === 'open')
    return ['the capture was not closed: it is still being written, or whoever wrote it was stopped']
  return []
}

/** What the heads of the blocks tell; payloads are not unpacked. Throws CaptureError where not even the beginning is sound. */
export function summariseNative(file: string): CaptureSummary {
  const { frames, facts, layouts } = openFrames(file)
  const names = new Map(Object.entries(layouts.events).map(([name, [id]]) => [id, name]))
  const internal = new Set(['process_snapshot'])
  const events = new Map<string, number>()
  let [blocks, lost, total] = [0, 0, 0]
  let first: bigint | undefined
  let last: bigint | undefined
  let fault: CaptureError | undefined
  try {
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      const { header } = frame
      if (header.kind !== 'items') continue
      blocks++
      lost += header.lost
      const counts = decodeCounts(header, frames.read(frame.offset + FRAME_BYTES, header.counts * 8))
      for (const [id, count] of counts) {
        const name = names.get(id) ?? `event ${id}`
        events.set(name, (events.get(name) ?? 0) + count)
        if (!internal.has(name)) total += count
      }
      if (header.last === 0n) continue
      const [from, to] = [header.first + header.wall, header.last + header.wall]
      if (first === undefined || from < first) first = from
      if (last === undefined || to > last) last = to
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    fault = error
  } finally {
    frames.close()
  }
  const sorted = new Map([...events].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
  const notes = endingNote(frames)
  return {
    ...{
      format: 'tarsier',
      facts,
      bytes: frames.size,
      blocks,
      first,
      last,
      events: sorted,
      total,
      lost,
      notes,
      fault,
    },
    ending: frames.ending ?? 'torn',
  }
}
