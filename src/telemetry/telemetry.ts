/**
 * The telemetry stream: events as records, one line each. It comes after the rules, so records know which rules matched;
 * filter and limit hide records and never alerts.
 */
import { byEventType } from '../decode/event-view.ts'
import type { Lookup, SyscallContext } from '../fields/context.ts'
import { rawResult } from '../fields/evt/result.ts'
import { Line } from '../outputs/line.ts'
import type { Finding, Row, Texts } from './column.ts'
import { composeBoth, partsOf, type RowWriter } from './compose.ts'
import type { PathFilter } from './filter.ts'
import { RateLimiter, type Suppressed } from './limiter.ts'
import { ProcessTexts } from './process-text.ts'
import { type RecordType, recordTypesOf } from './records.ts'
import { TimeText } from './text.ts'

/** What a record looks like: rand-guard's fields, or our native shape. */
export interface LineMaker {
  /** The line, without its line feed; good until the next one. */
  line(row: Row, type: RecordType): Line
  /** Some process changed, came or went: what is remembered about processes must be looked at again. */
  processChanged(): void
}

export interface TelemetryOptions {
  /** Events to report. */
  readonly events: ReadonlySet<string>
  readonly filter: PathFilter
  /** File and network records in a second, 0 for no limit. */
  readonly maxPerSecond: number
  readonly lines: LineMaker
  /** Takes a line without its line feed; false when there was no room for it. */
  readonly write: (line: Line) => boolean
  /** Told when records were kept back. */
  readonly suppressed: (suppressed: Suppressed) => void
  /** Alerts go out beside the records; otherwise an annotated record is all there is, so no filter hides it. */
  readonly alertRecords: boolean
  /** Process id of the agent, whose own files and connections are not reported. */
  readonly self: number | undefined
}

/** Counts since the start. */
export interface TelemetryCounts {
  readonly written: number
  /** Hidden by watch and exclude lists, or the agent's own. */
  readonly filtered: number
  readonly limited: number
  readonly failed: number
}

export interface Telemetry {
  readonly events: ReadonlySet<string>
  /** Would an event that no rule matched be reported, but for the limit? */
  wants(ctx: SyscallContext): boolean
  /** One event, with the rules that matched it. True when its record went out. */
  event(ctx: SyscallContext, findings: readonly Finding[]): boolean
  /** Time has come this far without events: announces what is due. */
  advance(time: number): void
  flush(): void
  readonly counts: TelemetryCounts
}

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { events, filter, lines, write, alertRecords, self } = options
  const limiter = new RateLimiter(options.maxPerSecond, options.suppressed)
  const row: { -readonly [K in keyof Row]: Row[K] } = { ctx: undefined as never, findings: [] }
  let written = 0
  let filtered = 0
  let failed = 0
  const isWanted = byEventType(({ name }) => events.has(name))
  const hidden = (ctx: SyscallContext, type: RecordType): boolean =>
    ctx.event.pid === self || (type.kind === 'file' && !filter.admits(ctx, type.paths))
  return {
    events,
    wants(ctx) {
      const type = ctx.event.slotAt(isWanted) ? typeOf(ctx) : undefined
      return type !== undefined && (type.kind === 'process' || !hidden(ctx, type))
    },
    event(ctx, findings) {
      const { event } = ctx
      if (event.type.family.state === true) lines.processChanged()
      if (!event.slotAt(isWanted)) return false
      const type = typeOf(ctx)
      if (type === undefined) return false
      const annotated = findings.length > 0
      if (type.kind !== 'process') {
        if (!(annotated && !alertRecords) && hidden(ctx, type)) {
          filtered++
          return false
        }
        // What a rule found is never limited away.
        if (!annotated && !limiter.admit(event.time, type.name)) return false
      }
      row.ctx = ctx
      row.findings = findings
      const taken = write(lines.line(row, type))
      if (taken) written++
      else failed++
      return taken
    },
    advance: (time) => limiter.advance(time),
    flush: () => limiter.flush(),
    get counts() {
      return { written, filtered, limited: limiter.total, failed }
    },
  }
}

/** The record type of an event; the outcome decides where there are two. */
export function typeOf(ctx: SyscallContext): RecordType | undefined {
  const { event } = ctx
  const types = event.slotAt(TYPES)
  // Captures have forks as the child sees them, and those of threads: there is no relationship in them.
  if (event.family === 'fork' && event.number('child_pid') === 0) return undefined
  if (types === undefined || types.length === 1) return types?.[0]
  const outcome = (rawResult(ctx) ?? 0) < 0 ? 'failed' : 'ok'
  return types.find((type) => type.outcome === outcome)
}
const TYPES = byEventType(({ name }) => recordTypesOf.get(name))

export interface LineOptions {
  readonly lookup: Lookup
  readonly host: string
  readonly mask: boolean
  readonly alertRecords: boolean
  /** Columns left out, by name: `argv`, `cwd`, `env`. */
  readonly without: ReadonlySet<string>
}

/** Records in rand-guard's fields: `{"event_type":...,"v":1,...}`. */
export function columnLines({ lookup, host, mask, alertRecords, without }: LineOptions): LineMaker {
  const texts: Texts = { time: new TimeText(lookup), host, mask, alertRecords }
  const processes = new ProcessTexts()
  const out = new Line()
  const writers = new Map<RecordType, RowWriter>()
  const writerOf = (type: RecordType): RowWriter => {
    const columns = type.columns.filter(({ name }) => !without.has(name))
    const start = `{"event_type":"${type.name}","v":1`
    const writer = composeBoth((usual) => [start, ...partsOf(columns, { texts, processes, usual }), '}'])
    writers.set(type, writer)
    return writer
  }
  return {
    line(row, type) {
      const writer = writers.get(type) ?? writerOf(type)
      out.begin()
      writer(out, row)
      return out
    },
    processChanged: () => processes.changed(),
  }
}
