/** An event of a capture while it becomes one of ours: its values, whose it is, and the record that is made of it. */
import { AT_FDCWD } from '../../../schema/enums/index.ts'
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import { joinPath } from '../../fields/paths.ts'
import type { PipelineSink } from '../source.ts'
import { listOf, noParams, numberOf, type Params, textLength, textOf } from './event.ts'
import type { Copy, Plan, Source } from './plan.ts'
import { type Fd, type Process, Processes } from './processes.ts'
import { RecordBuilder, type Shape } from './record.ts'

const SLASH = 0x2f
const NOBODY = Buffer.alloc(8)

export class Call {
  readonly processes: Processes = new Processes()
  readonly record: RecordBuilder = new RecordBuilder()
  /** Values at the exit of the call, and those it began with where the capture has them. */
  exit: Params = noParams(NOBODY)
  enter: Params | undefined
  /** Thread of the event. */
  tid = 0
  /** CLOCK_MONOTONIC ns. */
  time = 0
  sink: PipelineSink | undefined
  readonly #view: EventView
  #process: Process | undefined

  constructor(interner: Interner) {
    this.#view = new EventView(interner)
    this.#view.map(this.record.bytes.buffer)
  }

  /** Whose event it is: looked up when somebody asks. */
  get process(): Process {
    if (this.#process === undefined) this.#process = this.processes.of(this.tid)
    return this.#process
  }
  set process(process: Process | undefined) {
    this.#process = process
  }

  /** The parameters a value is among, and its place there: those of the exit, else those of the beginning. */
  #found: Params = this.exit
  #find(source: Source): number {
    const { exit } = this
    const i = source.exit
    if (i >= 0 && i < exit.count && exit.lengths[i]! > 0) {
      this.#found = exit
      return i
    }
    const { enter } = this
    const j = source.enter
    if (enter === undefined || j < 0 || j >= enter.count || enter.lengths[j] === 0) return -1
    this.#found = enter
    return j
  }

  has(source: Source): boolean {
    return this.#find(source) >= 0
  }

  number(source: Source, otherwise: number, signed = true): number {
    const i = this.#find(source)
    if (i < 0) return otherwise
    return source.dynamic ? dynamic(this.#found, i) : numberOf(this.#found, i, signed)
  }

  text(source: Source): string {
    const i = this.#find(source)
    return i < 0 ? '' : textOf(this.#found, i)
  }

  /** Texts, each with a NUL behind it. */
  list(source: Source): string {
    const i = this.#find(source)
    return i < 0 ? '' : listOf(this.#found, i)
  }

  /** The bytes of a value, as they are in the file: valid until the next event. */
  bytes(source: Source): Buffer | undefined {
    const i = this.#find(source)
    if (i < 0) return undefined
    const { bytes, at, lengths } = this.#found
    return bytes.subarray(at[i]!, at[i]! + lengths[i]!)
  }

  /** What a descriptor stands for. */
  fd(number: number): Fd | undefined {
    return this.process.fds.get(number)
  }

  /** The directory that relative names start from. */
  directory(dirfd: number): string {
    const { cwd } = this.process
    if (dirfd === AT_FDCWD) return cwd
    const fd = this.fd(dirfd)
    return fd === undefined ? '' : pathOf(fd)
  }

  /** Put the values that need no more into the record. */
  copy({ copies }: Plan): void {
    for (let i = 0; i < copies.length; i++) this.#copyOne(copies[i]!)
  }

  #copyOne(copy: Copy): void {
    const { source, slot, kind } = copy
    const i = this.#find(source)
    if (i < 0) return
    if (kind === 'text') {
      this.#copyText(copy, this.#found, i)
      return
    }
    let value = source.dynamic ? dynamic(this.#found, i) : numberOf(this.#found, i, copy.signed)
    if (copy.translate !== undefined) value = copy.translate(value)
    if (kind === 'u32') this.record.u32(slot.offset, value)
    else if (kind === 'u64') this.record.u64(slot.offset, value)
    else this.record.u16(slot.offset, value)
  }

  #copyText({ slot, dir, dirfd }: Copy, params: Params, i: number): void {
    const length = textLength(params, i)
    const at = params.at[i]!
    this.record.span(slot, params.bytes, at, length)
    if (dir === undefined || length === 0 || params.bytes[at] === SLASH) return
    const from = this.directory(this.number(dirfd, AT_FDCWD))
    if (from !== '') this.record.text(dir, from)
  }

  begin(shape: Shape, author: Process = this.process): void {
    this.record.begin(shape, author)
  }

  /** Hand on the record that was made. */
  emit(shape: Shape): void {
    const size = this.record.end()
    if (this.#view.seek(0, size) !== undefined) return
    this.#view.ring = shape.type.family.ring
    this.sink?.event(this.#view)
  }
}

/** A value that says of itself what it is: a byte, then as many as are left. */
function dynamic({ view, at, lengths }: Params, i: number): number {
  const place = at[i]! + 1
  switch (lengths[i]) {
    case 9:
      return view.getInt32(place + 4, true) * 4294967296 + view.getUint32(place, true)
    case 5:
      return view.getInt32(place, true)
    case 2:
      return view.getUint8(place)
    default:
      return 0
  }
}

/** Absolute, as far as it is known where the name started. */
export const pathOf = ({ name, dir }: Fd): string => (dir === '' ? name : joinPath(dir, name))
