/** Reads scap captures, packed or not, of any version. What a file says is checked before it is used. */

import { SCAP_EVENTS, SCAP_SYSCALLS } from '../../../schema/scap/index.ts'
import type { ContainerAnswer } from '../../decode/answers.ts'
import type { Interner } from '../../decode/interner.ts'
import { EVENT_ALIASES } from '../../fields/evt/falco-arguments.ts'
import { type Capture, CaptureError, type CaptureFacts, type CaptureSink } from '../source.ts'
import { Beginnings } from './beginnings.ts'
import { ByteReader } from './bytes.ts'
import { Call } from './call.ts'
import { containerAnswer } from './containers.ts'
import { countOf, locate, noParams, type Params } from './event.ts'
import {
  BLOCK_HEAD,
  BLOCK_TAIL,
  EVENT_2,
  EVENT_HEAD,
  EVENT_HEAD_UNCOUNTED,
  EVENT_LAYOUTS,
  type EventLayout,
  MAX_PARAMS,
  MIN_BLOCK,
  SECTION,
} from './format.ts'
import { Front } from './front.ts'
import { changesState, type Handler } from './handler.ts'
import { handlersByNumber } from './handlers.ts'
import { tellProcess } from './lifecycle.ts'
import type { Machine } from './lists.ts'
import { CALLS, PLANS, type Plan } from './plan.ts'
import type { Shape } from './record.ts'
import { MAX_BLOCK, Window } from './window.ts'

/** Events handed on in one piece. */
const PIECE = 16384
const WIDE = 4294967296
/** A time of more than this after the machine's start does not fit into 53 bits. */
const MAX_SPAN = 1n << 53n
const SECOND = 1_000_000_000n
const GENERIC = 1
/** Events with JSON about a container; `asyncevent` has the name of what it is about in front of that. */
const TELL_OF_CONTAINERS: ReadonlySet<string> = new Set(['container', 'asyncevent'])
/** A tid of all ones is nobody's. */
const NOBODY = 0xffffffff

const USUAL_LAYOUT = EVENT_LAYOUTS.get(EVENT_2)!

/** Shapes of the calls that generic events are about, by code. */
const GENERIC_SHAPES: readonly (Shape | undefined)[] = SCAP_SYSCALLS.map((name) =>
  CALLS.get(EVENT_ALIASES.get(name) ?? name),
)

export class ScapCapture implements Capture {
  readonly format = 'scap'
  facts: CaptureFacts
  /** Blocks of events and lists among them. */
  blocks = 0
  readonly #window: Window
  readonly #call: Call
  readonly #handlers: readonly Handler[] = handlersByNumber()
  /** By number: does the event change what is known of processes and descriptors? */
  readonly #stateful: Uint8Array = Uint8Array.from(this.#handlers, (handler) =>
    changesState(handler) ? 1 : 0,
  )
  /** By number: is the event to be told? */
  readonly #wanted = new Uint8Array(SCAP_EVENTS.length)
  /** By number: do exits need the beginning? */
  readonly #kept = new Uint8Array(SCAP_EVENTS.length)
  readonly #genericWanted = new Uint8Array(GENERIC_SHAPES.length)
  readonly #exit: Params
  readonly #beginnings = new Beginnings()
  /** Events passed over since the last that was told, and by number and code since the last piece. */
  #passed = 0
  readonly #passedCalls = new Uint32Array(GENERIC_SHAPES.length)
  readonly #passedBy = new Uint32Array(SCAP_EVENTS.length)
  readonly #front: Front
  /** Added to times of records, as a number of two halves. */
  #wall = -1n
  #wallLow = 0
  #wallHigh = 0
  #clockTold = false
  #more = true
  readonly #left = { events: 0, unknown: 0, strange: 0, threads: 0 }

  private constructor(window: Window, interner: Interner) {
    this.#window = window
    this.#call = new Call(interner)
    this.#front = new Front(this.#call.processes, this.#beginnings)
    this.#exit = noParams(window.bytes)
    this.facts = factsOf(this.#front.machine, 0n)
    this.want(undefined)
  }

  /** Open a file and read what stands in front of its events. Throws CaptureError. */
  static async open(file: string, interner: Interner): Promise<ScapCapture> {
    const window = new Window(file)
    const capture = new ScapCapture(window, interner)
    try {
      await capture.#readFront()
      return capture
    } catch (error) {
      window.close()
      throw error
    }
  }

  get progress(): { readonly done: number; readonly total: number } {
    return this.#window.progress
  }

  get notes(): readonly string[] {
    const { events, unknown, strange, threads } = this.#left
    const note = (count: number, words: string): readonly string[] =>
      count === 0 ? [] : [`${count} ${words}`]
    return [
      ...note(this.#front.unknown, 'blocks of kinds that are not known here were left out'),
      ...note(events, 'events were left out that are none here, such as switches of the processor'),
      ...note(unknown, 'events of numbers that are not known here were left out'),
      ...note(strange, 'events whose values make no sense were left out'),
      ...note(threads, 'ends of threads were left out: an end is that of a process here'),
    ]
  }

  /** Ns since the epoch of the first event and the last so far; undefined without any. */
  get span(): { readonly first: bigint; readonly last: bigint } | undefined {
    const { created } = this.facts
    if (created === 0n) return undefined
    return {
      first: created,
      last: this.#wall + BigInt(Math.max(this.#call.time, Number(created - this.#wall))),
    }
  }

  /** There is no way into the middle: what processes and descriptors are follows from all that was before. */
  seek(): void {}

  /** Events that somebody wants to be told of; undefined for all. The others are counted, and change what they change. */
  want(names: ReadonlySet<string> | undefined): void {
    this.#kept.fill(0)
    // The process table lives on some, whoever else wants them.
    const isWanted = (shape: Shape | undefined): boolean =>
      shape !== undefined &&
      (names === undefined || names.has(shape.name) || shape.type.family.state === true)
    for (const [number, plan] of PLANS.entries()) {
      if (plan === undefined) continue
      const wanted = isWanted(plan.shape)
      this.#wanted[number] = wanted ? 1 : 0
      if (plan.enter !== undefined && (wanted || this.#stateful[number] === 1))
        this.#kept[plan.enter.number] = 1
    }
    for (const [code, shape] of GENERIC_SHAPES.entries()) this.#genericWanted[code] = isWanted(shape) ? 1 : 0
  }

  async ready(): Promise<void> {
    const window = this.#window
    await window.fill(BLOCK_HEAD)
    if (window.end - window.start >= BLOCK_HEAD) await window.fill(this.#blockLength(window.start))
  }

  play(sink: CaptureSink): boolean {
    if (!this.#more) return false
    this.#call.sink = sink
    this.#tellFront(sink)
    this.#more = this.#piece(sink)
    this.#tellPassed(sink)
    this.#tellCounts(sink)
    if (!this.#more) this.#checkEnd()
    return this.#more
  }

  close(): void {
    this.#window.close()
  }

  #tellCounts(sink: CaptureSink): void {
    const tell = (counts: Uint32Array, shapeAt: (i: number) => Shape | undefined): void => {
      for (let i = 0; i < counts.length; i++) if (counts[i]! > 0) sink.counted?.(shapeAt(i)!.name, counts[i]!)
      counts.fill(0)
    }
    tell(this.#passedBy, (number) => PLANS[number]!.shape)
    tell(this.#passedCalls, (code) => GENERIC_SHAPES[code])
  }

  /** Sections, lists and facts up to the first event. */
  async #readFront(): Promise<void> {
    const window = this.#window
    let first = true
    for (;;) {
      await this.ready()
      if (window.end - window.start < MIN_BLOCK) break
      const type = window.view.getUint32(window.start, true)
      if (first && type !== SECTION)
        throw new CaptureError('this is no capture: a section must begin here', window.offsetOf(window.start))
      first = false
      if (EVENT_LAYOUTS.has(type)) break
      const length = this.#checkedLength(window.start)
      if (length === undefined) break
      this.#readList(type, window.start, length)
      window.start += length
    }
    if (first) throw window.fault ?? new CaptureError('the capture ends before it says anything', 0)
    const begun = this.#timeOfFirst()
    this.#setWall(begun)
    this.facts = factsOf(this.#front.machine, begun)
  }

  /** Time of the event at hand, ns since the epoch; 0 without one. */
  #timeOfFirst(): bigint {
    const { start, end, view } = this.#window
    const layout = end - start < MIN_BLOCK ? undefined : EVENT_LAYOUTS.get(view.getUint32(start, true))
    const at = start + (layout?.head ?? 0)
    return layout === undefined || at + 8 > end ? 0n : view.getBigUint64(at, true)
  }

  #setWall(begun: bigint): void {
    const { booted } = this.#front.machine
    const isBoot = booted > 0n && begun >= booted && begun - booted < MAX_SPAN
    this.#wall = isBoot ? booted : begun > SECOND ? begun - SECOND : 0n
    this.#wallLow = Number(this.#wall & 0xffffffffn)
    this.#wallHigh = Number(this.#wall >> 32n)
  }

  #tellFront(sink: CaptureSink): void {
    if (!this.#clockTold) {
      this.#clockTold = true
      sink.clock({ wall: this.#wall, boot: 0n })
    }
    const front = this.#front
    if (front.users !== undefined) sink.users(front.users.passwd, front.users.group)
    front.users = undefined
    for (const process of front.untold) tellProcess(this.#call, process)
    front.untold = []
  }

  /** What a block says its length is, as far as it may be believed: what `ready` has at hand. */
  #blockLength(at: number): number {
    return Math.min(Math.max(this.#window.view.getUint32(at + 4, true), MIN_BLOCK), MAX_BLOCK)
  }

  /** Length of the block at a place; undefined where the file ends within it. Throws CaptureError for what cannot be one. */
  #checkedLength(at: number): number | undefined {
    const { view, end } = this.#window
    const length = view.getUint32(at + 4, true)
    if (length < MIN_BLOCK || length > MAX_BLOCK)
      throw new CaptureError(
        `a block says it has ${length} bytes, which none can have`,
        this.#window.offsetOf(at),
        'the file was damaged, or is no capture from here on',
      )
    if (length > end - at) return undefined
    const tail = view.getUint32(at + length - BLOCK_TAIL, true)
    if (tail !== length)
      throw new CaptureError(
        `a block begins with a length of ${length} bytes and ends with one of ${tail}`,
        this.#window.offsetOf(at),
        'the file was damaged here; what was before has been read',
      )
    return length
  }

  /** Read a block that holds no event. */
  #readList(type: number, at: number, length: number): void {
    const { bytes } = this.#window
    const end = at + length - BLOCK_TAIL
    this.#front.read(type, new ByteReader(bytes, at + BLOCK_HEAD, end, this.#window.offsetOf(0)))
  }

  /** False at the end of the file. */
  #piece(sink: CaptureSink): boolean {
    const window = this.#window
    let { start } = window
    const { end, view } = window
    try {
      for (let n = 0; n < PIECE; n++) {
        if (end - start < MIN_BLOCK) return !window.over
        const type = view.getUint32(start, true)
        const length = this.#checkedLength(start)
        if (length === undefined) return !window.over
        this.blocks++
        const layout = type === EVENT_2 ? USUAL_LAYOUT : EVENT_LAYOUTS.get(type)
        if (layout !== undefined) this.#playEvent(start, start + length - BLOCK_TAIL, layout)
        else {
          this.#readList(type, start, length)
          this.#tellFront(sink)
        }
        start += length
      }
      return true
    } finally {
      window.start = start
    }
  }

  #checkEnd(): void {
    const { start, end, fault } = this.#window
    if (fault !== undefined) throw fault
    if (end > start)
      throw new CaptureError(
        `the capture ends within a block (${end - start} bytes left out)`,
        this.#window.offsetOf(start),
        'it is still being written, or was cut; what was before has been read',
      )
  }

  #playEvent(block: number, blockEnd: number, { head, counted, lengths }: EventLayout): void {
    const { view, bytes } = this.#window
    const at = block + head
    const headSize = counted ? EVENT_HEAD : EVENT_HEAD_UNCOUNTED
    if (at + headSize > blockEnd) {
      this.#left.strange++
      return
    }
    const number = certain(view.getUint16(at + 20, true), counted ? view.getUint32(at + 22, true) : 0)
    const event = SCAP_EVENTS[number]
    if (event === undefined || event.phase === 'unused') {
      this.#left.unknown++
      return
    }
    const plan = PLANS[number]
    const handler = this.#handlers[number]!
    if (plan === undefined ? this.#kept[number] === 0 : this.#isIdle(number)) {
      if (plan !== undefined) this.#pass(plan, view, at, blockEnd)
      return
    }
    const tid = view.getUint32(at + 8, true)
    const end = at + view.getUint32(at + 16, true)
    if (end > blockEnd || end < at + headSize) {
      this.#left.strange++
      return
    }
    const count = counted ? view.getUint32(at + 22, true) : countOf(view, event, at + headSize, end)
    const exit = this.#exitOf(bytes)
    if (count < 0 || count > MAX_PARAMS || !locate(view, exit, at + headSize, count, lengths, end)) {
      this.#left.strange++
      return
    }
    exit.count = count
    if (plan === undefined) this.#beginnings.keep(number, tid, exit, at + headSize, end)
    else this.#playExit(plan, handler, tid, block, at)
  }

  /** Nobody wants the event, and it changes nothing. */
  #isIdle(number: number): boolean {
    return this.#wanted[number] === 0 && this.#stateful[number] === 0 && number !== GENERIC
  }

  /** Values of the event at hand: the window may have got other memory. */
  #exitOf(bytes: Buffer): Params {
    const call = this.#call
    if (call.exit.bytes !== bytes) call.exit = { ...this.#exit, bytes, view: this.#window.view, count: 0 }
    return call.exit
  }

  /** An event that nobody wants and that changes nothing. */
  #pass(plan: Plan, view: DataView, at: number, end: number): void {
    if (plan.shape === undefined) {
      if (plan.event.phase === 'other') this.#aside(plan, at, end)
      else this.#left.events++
      return
    }
    this.#call.time = this.#timeAt(view, at)
    this.#passed++
    this.#passedBy[plan.number]!++
  }

  /** What is no call and no event here may tell something all the same. */
  #aside({ event }: Plan, at: number, end: number): void {
    const answer = TELL_OF_CONTAINERS.has(event.name)
      ? this.#containerAnswer(at, end, event.name === 'asyncevent')
      : undefined
    if (answer === undefined) this.#left.events++
    else this.#call.sink?.container(answer)
  }

  #containerAnswer(at: number, end: number, isAsync: boolean): ContainerAnswer | undefined {
    const text = this.#window.bytes.toString('utf8', at, end)
    const [first, last] = [text.indexOf('{'), text.lastIndexOf('}')]
    if (first < 0 || last < first) return undefined
    if (isAsync && !text.slice(0, first).includes('container\0')) return undefined
    const answer = containerAnswer(text.slice(first, last + 1))
    return answer && { ...answer, fullId: this.#call.processes.fullContainerId(answer.fullId) }
  }

  /** Time of an event relative to the clock that was told. */
  #timeAt(view: DataView, at: number): number {
    const low = view.getUint32(at, true) - this.#wallLow
    const high = view.getUint32(at + 4, true) - this.#wallHigh - (low < 0 ? 1 : 0)
    return high < 0 ? 0 : high * WIDE + (low < 0 ? low + WIDE : low)
  }

  #playExit(plan: Plan, handler: Handler, tid: number, block: number, at: number): void {
    const call = this.#call
    call.time = this.#timeAt(this.#window.view, at)
    call.tid = tid
    call.process = undefined
    call.enter = plan.enter === undefined ? undefined : this.#beginnings.take(plan.enter.number, tid)
    this.#block = block
    handler.state?.(call)
    if (plan.number === GENERIC) this.#playCall(plan, handler)
    else if (plan.shape === undefined || tid === NOBODY) this.#left.events++
    else if (handler.isTold?.(call) === false) this.#left.threads++
    else if (this.#wanted[plan.number] === 1) this.#tell(plan, plan.shape, handler)
    else {
      this.#passed++
      this.#passedBy[plan.number]!++
    }
    handler.after?.(call)
  }

  /** A call of which the capture says no more than its code. */
  #playCall(plan: Plan, handler: Handler): void {
    const { exit } = this.#call
    const code = exit.count > 0 && exit.lengths[0] === 2 ? exit.view.getUint16(exit.at[0]!, true) : -1
    const shape = GENERIC_SHAPES[code]
    if (shape === undefined) this.#left.events++
    else if (this.#genericWanted[code] === 1) this.#tell(plan, shape, handler)
    else {
      this.#passed++
      this.#passedCalls[code]!++
    }
  }

  /** Where the event at hand begins. */
  #block = 0

  #tell(plan: Plan, shape: Shape, handler: Handler): void {
    const call = this.#call
    call.record.at(call.time, this.#window.view.getUint16(this.#block + BLOCK_HEAD, true))
    if (this.#passed > 0) this.#tellPassed(call.sink as CaptureSink)
    call.begin(shape)
    call.copy(plan)
    handler.fill?.(call)
    if (plan.number === GENERIC) call.record.partial()
    call.emit(shape)
  }

  #tellPassed(sink: CaptureSink): void {
    if (this.#passed > 0) sink.passed?.(this.#passed, this.#call.time)
    this.#passed = 0
  }
}

/** Events of the same days whose numbers programs do not agree about: they differ in how many values they have. */
const DISPUTED: ReadonlySet<string> = new Set(['close_range', 'keyctl'])
const DISPUTED_EVENTS = SCAP_EVENTS.filter(({ name, phase }) => DISPUTED.has(name) && phase === 'exit')
const FIRST_DISPUTED = Math.min(...DISPUTED_EVENTS.map(({ number }) => number))

/** The number of an event that has so many values. */
function certain(number: number, count: number): number {
  if (number < FIRST_DISPUTED) return number
  const is = (event: (typeof DISPUTED_EVENTS)[number]): boolean => event.params.length === count
  const isDisputed = DISPUTED_EVENTS.some((event) => event.number === number)
  return isDisputed ? (DISPUTED_EVENTS.find(is)?.number ?? number) : number
}

const factsOf = ({ hostname, cpus }: Machine, created: bigint): CaptureFacts => ({
  ...{ hostname, hostId: '', bootId: '', kernel: '', machine: '', cpus, created },
  ...{ writer: 'scap', agent: 0, names: false, expression: '', derived: true },
})

/** Does a file begin as one of these does? Packed files are unpacked to see. */
export const SCAP_MAGIC: Buffer = Buffer.from([0x0a, 0x0d, 0x0d, 0x0a])
