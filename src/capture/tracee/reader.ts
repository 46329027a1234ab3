/**
 * Reads Tracee's JSON (v0.7, one event a line) as a capture, also what `tarsier trace -o json` writes. Lines say little about
 * what was there before: processes are known from the first line about them on. What a line says is checked before it
 * becomes a record; lines that say nothing are counted and told with their number.
 */
import { RINGS } from '../../../schema/index.ts'
import { encodeRecord, type RecordInit } from '../../decode/encode.ts'
import { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import type { LossCause } from '../../sources/kernel/drops.ts'
import { type Capture, CaptureError, type CaptureFacts, type CaptureSink } from '../source.ts'
import { fieldsOf, type Mapping, mappingOf, readLine, type TraceeLine } from './events.ts'
import { type Line, LineReader } from './lines.ts'
import { Processes } from './processes.ts'
import type { Fields, Json } from './values.ts'

/** Lines handed on at once. */
const PIECE = 2000
/** Time of the first event, CLOCK_MONOTONIC ns: earlier ones may follow. */
const FIRST = 1_000_000_000_000n
/** Names that are told, and lines; of the rest how many there are. */
const TOLD = 10
const NAMES_MAX = 1000
/** Events beyond this before the first one is found: the file is something else. */
const TRIES = 100
/** Threads are no processes. */
const CLONE_THREAD = 0x10000

/** An event that two lines tell of, the call and what the kernel did; `first` waits for the other one. */
interface Pending {
  readonly line: TraceeLine
  readonly mapping: Mapping
  readonly number: number
}

/** Open a file of Tracee's lines. Throws CaptureError, and what the system says where it cannot be opened. */
export function openCapture(file: string, interner: Interner): Capture {
  const lines = new LineReader(file)
  try {
    return new TraceeCapture(lines, interner)
  } catch (error) {
    lines.close()
    throw error
  }
}

class TraceeCapture implements Capture {
  readonly format = 'tracee'
  readonly facts: CaptureFacts
  readonly #lines: LineReader
  readonly #view: EventView
  readonly #processes = new Processes()
  readonly #mappings = new Map<string, Mapping>()
  readonly #unknown = new Map<string, number>()
  readonly #strange = new Map<string, number>()
  readonly #bad: string[] = []
  #badCount = 0
  /** The first event, read to know who speaks. */
  #first: TraceeLine | undefined
  #firstNumber = 0
  #begun = false
  #pending: Pending | undefined
  /** First of two lines about one event that do not stand together, by process. */
  readonly #halves = new Map<number, Pending>()
  /** CLOCK_REALTIME minus CLOCK_MONOTONIC, ns. */
  readonly #wall: bigint

  constructor(lines: LineReader, interner: Interner) {
    this.#lines = lines
    this.#view = new EventView(interner)
    for (let i = 0; i < TRIES && this.#first === undefined; i++) {
      const line = lines.next()
      if (line === undefined) break
      this.#first = this.#read(line)
      this.#firstNumber = line.number
    }
    if (this.#first === undefined)
      throw new CaptureError(
        this.#bad[0] === undefined
          ? 'there is no event in it'
          : `there is no event of Tracee in it: ${this.#bad[0]}`,
        0,
        "Tracee writes such a file with '--output json', tarsier trace with '-o json'",
      )
    const { timestamp, actor } = this.#first
    this.#wall = timestamp - FIRST
    this.facts = {
      ...{
        hostname: actor.host,
        hostId: '',
        bootId: '',
        kernel: '',
        machine: '',
        cpus: 0,
        created: timestamp,
      },
      ...{ writer: 'Tracee JSON', agent: 0, names: false, expression: '', derived: true },
    }
  }

  get progress(): { readonly done: number; readonly total: number } {
    return { done: Math.min(this.#lines.done, this.#lines.size), total: this.#lines.size }
  }

  get notes(): readonly string[] {
    return [
      ...(this.#lines.torn && this.#badCount > 0 ? ['the file ends within a line'] : []),
      ...(this.#badCount === 0
        ? []
        : [
            `${this.#badCount} lines were left out: ${this.#bad.join('; ')}${this.#badCount > TOLD ? '; ...' : ''}`,
          ]),
      ...told('events that are not known here', this.#unknown),
      ...told('arguments that are not known here, or make no sense', this.#strange),
    ]
  }

  seek(): void {}

  play(sink: CaptureSink): boolean {
    if (!this.#begun) {
      this.#begun = true
      sink.clock({ wall: this.#wall, boot: 0n })
      if (this.#first !== undefined) this.#take(this.#first, this.#firstNumber, sink)
      this.#first = undefined
    }
    for (let i = 0; i < PIECE; i++) {
      const line = this.#lines.next()
      if (line === undefined) {
        this.#flush(sink)
        return false
      }
      const read = this.#read(line)
      if (read !== undefined) this.#take(read, line.number, sink)
    }
    return true
  }

  close(): void {
    this.#lines.close()
  }

  #read({ number, text, fault }: Line): TraceeLine | undefined {
    const read = fault ?? readLine(text)
    if (typeof read !== 'string') return read
    this.#badCount++
    if (this.#bad.length < TOLD) this.#bad.push(`line ${number}: ${read}`)
    return undefined
  }

  /** A line, which may be the other half of the one before. */
  #take(line: TraceeLine, number: number, sink: CaptureSink): void {
    const mapping = this.#mappingOf(line.name)
    const pending = this.#pending
    if (pending !== undefined && mapping !== undefined && isOther(pending, mapping, line)) {
      this.#pending = undefined
      // What the kernel did says more than what was asked for.
      const [first, second] = isDerived(mapping) ? [{ line, mapping }, pending] : [pending, { line, mapping }]
      const fields = {
        ...this.#fields(second.mapping, second.line),
        ...this.#fields(first.mapping, first.line),
      }
      this.#event(first.mapping, first.line, fields, number, sink)
      return
    }
    this.#flush(sink)
    if (mapping === undefined) this.#tell(line, sink)
    // The other side of a call that made a process.
    else if (mapping.event.family === 'fork' && mapping.event.isSyscall && line.result === 0) return
    else if (TWICE.has(mapping.event.family) && line.result >= 0) this.#pending = { line, mapping, number }
    else this.#event(mapping, line, this.#fields(mapping, line), number, sink)
  }

  /** The line that waited has no other half, at least not next to it. */
  #flush(sink: CaptureSink): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    const { line, mapping, number } = pending
    const { pid } = line.actor
    const half = this.#halves.get(pid)
    this.#halves.delete(pid)
    if (half !== undefined && isSecond(half, pending)) return
    if (this.#halves.size < NAMES_MAX) this.#halves.set(pid, pending)
    this.#event(mapping, line, this.#fields(mapping, line), number, sink)
  }

  #mappingOf(name: string): Mapping | undefined {
    const known = this.#mappings.get(name)
    if (known !== undefined) return known
    const mapping = mappingOf(name)
    if (mapping !== undefined) this.#mappings.set(name, mapping)
    return mapping
  }

  #fields(mapping: Mapping, line: TraceeLine): Fields {
    return fieldsOf(mapping, line, (argument) =>
      count(this.#strange, `${line.name}.${argument.slice(0, 100)}`),
    )
  }

  #event(mapping: Mapping, line: TraceeLine, fields: Fields, seq: number, sink: CaptureSink): void {
    const { actor } = line
    const time = this.#timeOf(line)
    const { header, before } = this.#processes.of(actor, time)
    const whole = this.#withLife(mapping, line, fields)
    if (whole === undefined) return
    for (const record of before) this.#hand(record, sink)
    this.#hand({ ...header, event: mapping.source, cpu: line.cpu, seq, fields: whole }, sink)
    if (mapping.event.family === 'exit') this.#processes.exit(actor.pid)
  }

  /** What events about the life of processes have beside their arguments; undefined for what is no event of ours. */
  #withLife({ event }: Mapping, line: TraceeLine, fields: Fields): Fields | undefined {
    const { actor, result } = line
    if (event.family === 'exec') return result < 0 ? fields : this.#processes.exec(actor, withImage(fields))
    if (event.family !== 'fork') return fields
    if (event.isSyscall && (result < 0 || isThread(fields)))
      return { ...fields, res: result, comm: actor.comm }
    const pid = Number(fields['child_pid'] ?? (actor.vpid === actor.pid ? result : 0))
    if (pid === 0) return undefined
    const vpid = Number(fields['child_vpid'] ?? result) || pid
    const start = Number(fields['child_start'] ?? 0) || undefined
    return { ...fields, ...this.#processes.fork(actor, { pid, vpid }, start), res: vpid, comm: actor.comm }
  }

  #timeOf({ timestamp }: TraceeLine): number {
    return Math.max(Number(timestamp - this.#wall), 1)
  }

  #hand(init: RecordInit, sink: CaptureSink): void {
    let record: Uint8Array
    try {
      record = encodeRecord(init)
    } catch {
      count(this.#strange, init.event)
      return
    }
    this.#view.map(record.buffer as ArrayBuffer)
    if (record.length > 0xffff || this.#view.seek(0, record.length) !== undefined) {
      count(this.#strange, init.event)
      return
    }
    this.#view.ring = this.#view.type.family.ring
    sink.event(this.#view)
  }

  /** Lines about the stream itself; anything else is an event that we do not have. */
  #tell(line: TraceeLine, sink: CaptureSink): void {
    const argument = (name: string): Json | undefined => line.args.find((one) => one.name === name)?.value
    const number = (name: string): number => {
      const value = argument(name)
      return typeof value === 'number' && value >= 0 ? value : 0
    }
    const to = this.#timeOf(line)
    if (line.name === 'lost_events') {
      const from = Math.max(to - Math.max(number('to') - number('from'), 0), 0)
      const ring = RINGS.find((name) => name === argument('ring')) ?? 'bulk'
      sink.gap({ ring, cpu: number('cpu'), lost: number('count'), from, to }, causesOf(argument('by')))
    } else if (line.name === 'events_held_back') {
      const state = argument('state') === 'stop' ? 'stop' : 'start'
      const cgroups = { cgroup: number('cgroup_id'), cgroupV1: number('cgroup_v1_id') }
      sink.throttle?.({ state, ...cgroups, count: number('count'), from: to, to })
    } else if (line.name !== 'end_of_stream') count(this.#unknown, line.name)
  }
}

/** Families whose events Tracee tells twice: as a call, and as what the kernel did. */
const TWICE: ReadonlySet<string> = new Set(['exec', 'fork', 'exit'])

/** What the kernel did, as opposed to what was called. */
const isDerived = ({ event }: Mapping): boolean => !event.sources.includes(event.name)

/** The same thread did the same, and one of the lines says what was called and the other one what came of it. */
const isOther = ({ line: first, mapping }: Pending, other: Mapping, second: TraceeLine): boolean =>
  mapping.event.family === other.event.family &&
  isDerived(mapping) !== isDerived(other) &&
  second.result >= 0 &&
  first.actor.pid === second.actor.pid &&
  first.actor.tid === second.actor.tid

/** Lines further apart in time are not about the same, ns. */
const SOON = 100_000_000n

function isSecond(half: Pending, { line, mapping }: Pending): boolean {
  const apart = line.timestamp - half.line.timestamp
  return isOther(half, mapping, line) && apart <= SOON && apart >= -SOON
}

/** Without the kernel's word on what was executed, an absolute name is it. */
function withImage(fields: Fields): Fields {
  const { filename, exe_path } = fields
  const isAbsolute = filename instanceof Uint8Array && filename[0] === 47
  return exe_path === undefined && isAbsolute ? { ...fields, exe_path: filename } : fields
}

const isThread = ({ flags }: Fields): boolean =>
  typeof flags === 'bigint' && (flags & BigInt(CLONE_THREAD)) !== 0n

/** `program/reason: n`, as we write it. */
function causesOf(by: Json | undefined): readonly LossCause[] {
  if (!Array.isArray(by)) return []
  return by.slice(0, 100).flatMap((text) => {
    const [, program, reason, n] = /^([\w.-]{1,60})\/([\w-]{1,60}): (\d{1,15})$/.exec(String(text)) ?? []
    return program === undefined ? [] : [{ program, reason: reason!, count: Number(n) } as LossCause]
  })
}

function count(counts: Map<string, number>, name: string): void {
  if (counts.has(name) || counts.size < NAMES_MAX) counts.set(name, (counts.get(name) ?? 0) + 1)
  else counts.set('others', (counts.get('others') ?? 0) + 1)
}

function told(what: string, counts: ReadonlyMap<string, number>): readonly string[] {
  if (counts.size === 0) return []
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const total = sorted.reduce((sum, [, n]) => sum + n, 0)
  const names = sorted.slice(0, TOLD).map(([name, n]) => `${name} ${n}`)
  return [`${total} ${what}: ${names.join(', ')}${sorted.length > TOLD ? ', ...' : ''}`]
}
