/** The trace beside the pipeline: asks the filter about each event, and makes lines of those it lets through. */
import type { Alert } from '../detect/alert.ts'
import { createEngine } from '../detect/engine.ts'
import type { Lookup, SyscallContext } from '../fields/context.ts'
import { counted } from '../health/words.ts'
import type { CompiledRule } from '../rules/ir.ts'
import type { LossCause } from '../sources/kernel/drops.ts'
import type { Gap } from '../sources/kernel/reader.ts'
import type { ThrottleNotice } from '../sources/kernel/throttle.ts'
import type { TraceEvent } from './catalogue.ts'
import type { TraceFilter } from './compile.ts'
import type { ExecHashes } from './exec-hash.ts'
import { nativePrinter } from './formats/native.ts'
import type { Loss, Printer } from './formats/printer.ts'
import { tablePrinter } from './formats/table.ts'
import { traceeJsonPrinter } from './formats/tracee-json.ts'
import { OrderedLines } from './ordered-lines.ts'
import type { OutputChoice } from './output-expression.ts'
import { type RecordOptions, recordOf, type TraceRecord } from './record.ts'

/** Where lines go, and what is known when they do. */
export interface Sink {
  /** False when there is no room. */
  readonly write: (line: string) => boolean
  readonly lookup: Lookup
  /** CLOCK_MONOTONIC and CLOCK_BOOTTIME now, ns. */
  readonly now: { readonly monotonic: bigint; readonly boot: bigint }
}

export interface TracerOptions {
  readonly filter: TraceFilter
  readonly output: OutputChoice
  readonly mask: boolean
  /** For people, on standard error. */
  readonly warn: (message: string) => void
  /** Template of the format, compiled. */
  readonly template?: (record: TraceRecord) => string
  readonly hashes?: ExecHashes
}

export interface Tracer {
  readonly events: ReadonlySet<string>
  readonly done: ReadonlySet<string>
  readonly paths: readonly string[]
  readonly rules: readonly CompiledRule<SyscallContext>[]
  readonly env: boolean
  readonly ownsOutput: true
  begin(sink: Sink): void
  line(ctx: SyscallContext): undefined
  gap(gap: Gap, causes: readonly LossCause[], lookup: Lookup): void
  throttle(notice: ThrottleNotice, lookup: Lookup): void
  alert(alert: Alert): void
  end(counts: { readonly errors: number; readonly monotonic: bigint }): Promise<void>
}

/** How long events are held to be sorted: the reader merges by time already, what is left is late by less. */
const SORT_MS = 100
/** How often it is told that the output refuses events. */
const TELL_NS = 1e9

const STATE_EVENTS: ReadonlySet<string> = new Set([
  'clone',
  'fork',
  'vfork',
  'clone3',
  'execve',
  'execveat',
  'procexit',
  'task_rename',
])

export const createTracer = (options: TracerOptions): Tracer => new Trace(options)

class Trace implements Tracer {
  readonly events: ReadonlySet<string>
  readonly done: ReadonlySet<string>
  readonly compatOnly: ReadonlySet<string>
  readonly paths: readonly string[] = []
  readonly rules: readonly CompiledRule<SyscallContext>[]
  readonly env: boolean
  readonly ownsOutput = true
  readonly #options: TracerOptions
  /** Environments may be asked for by the filter alone. */
  readonly #showsEnv: boolean
  readonly #engine
  readonly #scope
  readonly #byName: ReadonlyMap<string, TraceEvent>
  readonly #lines: OrderedLines | undefined
  readonly #matched: TraceEvent[] = []
  readonly #found = ({ name }: CompiledRule<SyscallContext>): void => {
    this.#matched.push(this.#byName.get(name)!)
  }
  #inScope = false
  readonly #setInScope = (): void => {
    this.#inScope = true
  }
  #sink: Sink | undefined
  #printer: Printer | undefined
  #recording: RecordOptions | undefined
  #written = 0
  #lost = 0
  #refused = 0
  /** Refused since it was last told, and when that was: CLOCK_MONOTONIC ns of the event. */
  #untold = 0
  #told = Number.NEGATIVE_INFINITY
  /** Of the latest event. */
  #now = 0
  #templateErrors = 0

  constructor(options: TracerOptions) {
    const { filter, output } = options
    this.#options = options
    this.rules = filter.rules
    const sourcesOf = (which: (event: TraceEvent) => boolean): readonly string[] =>
      filter.events.filter(which).flatMap(({ sources }) => sources)
    this.events = new Set(sourcesOf(({ succeeded }) => !succeeded))
    this.done = new Set(sourcesOf(({ succeeded }) => succeeded))
    this.compatOnly = filter.compatOnly
    this.#showsEnv = output.options.has('exec-env')
    this.env = this.#showsEnv || filter.env
    this.#byName = new Map(filter.events.map((event) => [event.name, event]))
    this.#engine = createEngine(filter.rules, { matching: 'all' })
    this.#scope = filter.followScope && createEngine([filter.followScope], { matching: 'all' })
    const sortMs = output.options.has('sort-events') ? SORT_MS : 0
    if (sortMs > 0 || options.hashes !== undefined)
      this.#lines = new OrderedLines({ sortMs, write: (line) => this.#write(line) })
  }

  begin(sink: Sink): void {
    const { filter, output, mask } = this.#options
    this.#sink = sink
    filter.begin(Number(sink.now.boot))
    const relative = output.options.has('relative-time')
    this.#recording = {
      parse: output.options.has('parse-arguments'),
      asTracee: output.format !== 'table' && output.format !== 'table-verbose',
      env: this.#showsEnv,
      mask,
      since: relative ? sink.now.monotonic : undefined,
    }
    this.#printer = this.#createPrinter(sink.lookup, relative)
    const first = this.#printer.begin?.()
    if (first !== undefined) this.#write(first)
  }

  #createPrinter(lookup: Lookup, relative: boolean): Printer {
    const { output, filter, mask, template } = this.#options
    const { format } = output
    switch (format) {
      case 'table':
      case 'table-verbose':
        return tablePrinter({ verbose: format === 'table-verbose', containers: filter.containers, relative })
      case 'json':
        return traceeJsonPrinter(lookup.hostname)
      case 'tarsier':
        return nativePrinter({ lookup, mask, env: this.#showsEnv })
      case 'none':
        return { event: () => undefined }
      default:
        return { event: (record) => this.#byTemplate(template!, record) }
    }
  }

  line(ctx: SyscallContext): undefined {
    const { filter } = this.#options
    const { name } = ctx.event
    this.#now = ctx.event.time
    const isState = STATE_EVENTS.has(name)
    if (isState || this.#scope !== undefined) {
      this.#inScope = false
      this.#scope?.run(name, ctx, this.#setInScope)
      filter.kinship.apply(ctx, this.#inScope)
    }
    if (this.events.has(name) || this.done.has(name)) {
      this.#matched.length = 0
      this.#engine.run(name, ctx, this.#found)
      for (const event of this.#matched) this.#show(ctx, event)
    }
    if (isState) filter.kinship.forget(ctx)
    return undefined
  }

  #show(ctx: SyscallContext, event: TraceEvent): void {
    const printer = this.#printer!
    if (printer.own !== undefined) {
      // Our own JSON has one line for an event, whatever names it was asked for by.
      if (event === this.#matched[0]) this.#out(ctx.event.time, printer.own(ctx))
      return
    }
    const record = recordOf(ctx, event, this.#recording!)
    const hash = event.name === 'sched_process_exec' ? this.#options.hashes?.of(ctx) : undefined
    if (hash === undefined) {
      this.#out(ctx.event.time, printer.event(record))
      return
    }
    const line = hash.then((sha256) => {
      const args =
        sha256 === undefined
          ? record.args
          : [...record.args, { name: 'sha256', type: 'const char*', value: sha256 }]
      return printer.event({ ...record, args, argsNum: args.length }) ?? ''
    })
    this.#written++
    this.#lines!.push(ctx.event.time, line)
  }

  #out(time: number, line: string | undefined): void {
    this.#written++
    if (line !== undefined) this.#emit(time, line)
  }

  #emit(time: number, line: string): void {
    if (this.#lines === undefined) this.#write(line)
    else this.#lines.push(time, line)
  }

  #write(line: string): void {
    if (line === '') return
    if (!this.#sink!.write(line)) {
      this.#refused++
      this.#untold++
    }
    if (this.#untold > 0 && this.#now - this.#told >= TELL_NS) this.#tellRefused()
  }

  /** One that reads slowly refuses thousands, now and again one. */
  #tellRefused(): void {
    const count = this.#untold
    this.#untold = 0
    this.#told = this.#now
    this.#options.warn(`lost ${counted(count, 'event')}: the output had no room`)
  }

  gap({ ring, cpu, lost, from, to }: Gap, causes: readonly LossCause[], lookup: Lookup): void {
    this.#lost += lost
    const by = new Map(causes.map(({ program, reason, count }) => [`${program}/${reason}`, count]))
    const loss: Loss = { ring, cpu, lost, from, to, by }
    const line = this.#printer!.loss?.(loss, this.#time(to, lookup))
    if (line === undefined) this.#options.warn(`lost ${counted(lost, 'event')} (${ring} ring, CPU ${cpu})`)
    else this.#emit(to, line)
  }

  throttle(notice: ThrottleNotice, lookup: Lookup): void {
    const { state, cgroup, count, to } = notice
    const line = this.#printer!.throttle?.(notice, this.#time(to, lookup))
    const words = state === 'start' ? 'so far, and more to come' : 'in all'
    if (line === undefined)
      this.#options.warn(`held back ${counted(count, 'event')} of cgroup ${cgroup} ${words}`)
    else this.#emit(to, line)
  }

  #time(monotonic: number, lookup: Lookup): bigint {
    const since = this.#recording!.since
    return since === undefined ? lookup.wallClock(BigInt(monotonic)) : BigInt(monotonic) - since
  }

  alert({ message }: Alert): void {
    this.#options.warn(message)
  }

  #byTemplate(template: (record: TraceRecord) => string, record: TraceRecord): string | undefined {
    try {
      return template(record).replace(/\n$/, '')
    } catch (error) {
      if (this.#templateErrors++ === 0) this.#options.warn(`template: ${(error as Error).message}`)
      return undefined
    }
  }

  async end({ errors, monotonic }: { readonly errors: number; readonly monotonic: bigint }): Promise<void> {
    await this.#lines?.flush()
    this.#options.hashes?.close()
    if (this.#untold > 0) this.#tellRefused()
    if (this.#templateErrors > 0)
      this.#options.warn(`the template did not fit ${counted(this.#templateErrors, 'event')}`)
    const stats = {
      events: this.#written,
      errors: errors + this.#templateErrors,
      lost: this.#lost,
      refused: this.#refused,
    }
    const sink = this.#sink!
    const line = this.#printer!.end?.(stats, this.#time(Number(monotonic), sink.lookup))
    if (line !== undefined) sink.write(line)
  }
}
