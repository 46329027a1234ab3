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

  has({ exit, enter }: Source): boolean {
    if (exit >= 0 && exit < this.exit.count && this.exit.lengths[exit]! > 0) return true
    const before = this.enter
    return before !== undefined && enter >= 0 && enter < before.count && before.lengths[enter]! > 0
  }

  /** Where a value is: at the exit, else in the beginning; undefined when it is in neither. */
  #where({ exit }: Source): Params | undefined {
    return exit >= 0 && exit < this.exit.count && this.exit.lengths[exit]! > 0 ? this.exit : this.enter
  }

  number(source: Source, otherwise: number, signed = true): number {
    if (!this.has(source)) return otherwise
    const params = this.#where(source)!
    const i = params === this.exit ? source.exit : source.enter
    const type = params === this.exit ? source.exitType : source.enterType
    return type === 'dyn' ? dynamic(params, i) : numberOf(params, i, signed)
  }

  text(source: Source): string {
    if (!this.has(source)) return ''
    const params = this.#where(source)!
    return textOf(params, params === this.exit ? source.exit : source.enter)
  }

  /** Texts, each with a NUL behind it. */
  list(source: Source): string {
    if (!this.has(source)) return ''
    const params = this.#where(source)!
    return listOf(params, params === this.exit ? source.exit : source.enter)
  }

  /** The bytes of a value, as they are in the file: valid until the next event. */
  bytes(source: Source): Buffer | undefined {
    if (!this.has(source)) return undefined
    const params = this.#where(source)!
    const i = params === this.exit ? source.exit : source.enter
    return params.bytes.subarray(params.at[i]!, params.at[i]! + params.lengths[i]!)
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
    const { source, slot } = copy
    if (!this.has(source)) return
    if (copy.kind === 'text') {
      this.#copyText(copy)
      return
    }
    let value = this.number(source, 0, copy.signed)
    if (copy.translate !== undefined) value = copy.translate(value)
    if (copy.kind === 'u32') this.record.u32(slot.offset, value)
    else if (copy.kind === 'u64') this.record.u64(slot.offset, value)
    else this.record.u16(slot.offset, value)
  }

  #copyText({ source, slot, dir, dirfd }: Copy): void {
    const params = this.#where(source)!
    const i = params === this.exit ? source.exit : source.enter
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
