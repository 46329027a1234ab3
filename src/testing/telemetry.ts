/** A telemetry stream in a box for tests: events go in, parsed records and alerts come out. */
import type { RecordInit } from '../decode/encode.ts'
import { EventView } from '../decode/event-view.ts'
import { Interner } from '../decode/interner.ts'
import { createEngine } from '../detect/engine.ts'
import type { SyscallContext } from '../fields/context.ts'
import { maskAlert } from '../outputs/masking.ts'
import { Pipeline } from '../pipeline.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { randGuardAlert, secretFinder } from '../telemetry/alert-record.ts'
import { PathFilter } from '../telemetry/filter.ts'
import { gapLine } from '../telemetry/gap.ts'
import { nativeLines } from '../telemetry/native.ts'
import { RECORD_TYPES } from '../telemetry/records.ts'
import { columnLines, createTelemetry } from '../telemetry/telemetry.ts'
import { look } from './events.ts'
import { EPOCH } from './world.ts'

export interface StreamOptions {
  readonly rules?: readonly CompiledRule<SyscallContext>[]
  readonly watch?: readonly string[]
  readonly patterns?: readonly string[]
  readonly exclude?: readonly string[]
  readonly maxPerSecond?: number
  readonly native?: boolean
  readonly mask?: boolean
  readonly without?: readonly string[]
  readonly events?: readonly string[]
  readonly monitor?: boolean
  readonly self?: number
  /** Lines the output still takes; all by default. */
  readonly room?: number
  readonly spellings?: (path: string) => readonly string[]
}

export type JsonRecord = Readonly<Record<string, unknown>>

export interface Stream {
  /** Handle events in order; gives the lines they made, parsed. */
  feed(...events: readonly RecordInit[]): readonly JsonRecord[]
  readonly pipeline: Pipeline
  /** Everything written so far. */
  readonly lines: readonly string[]
}

export function createStream(options: StreamOptions = {}): Stream {
  const interner = new Interner(4096)
  const lines: string[] = []
  const { monitor = false, mask = true } = options
  let room = options.room ?? Number.POSITIVE_INFINITY
  const pipeline = new Pipeline({
    interner,
    engine: createEngine(options.rules ?? [], { matching: 'all', timeOf: ({ event }) => event.time }),
    identity: { hostname: 'testhost', hostId: 'h', bootId: 'b' },
    alert(alert, about) {
      if (monitor) return
      const shown = mask ? maskAlert(alert, about === undefined ? [] : secretFinder()(about)) : alert
      lines.push(randGuardAlert(shown, about, { mask }))
    },
    error(error) {
      throw error
    },
    telemetry(lookup) {
      const line = {
        lookup,
        host: 'testhost',
        mask,
        alertRecords: !monitor,
        without: new Set(options.without),
      }
      return createTelemetry({
        events: new Set(options.events ?? RECORD_TYPES.flatMap(({ events }) => events)),
        filter: new PathFilter({
          watchPaths: options.watch ?? [],
          watchPatterns: options.patterns ?? [],
          excludePaths: options.exclude ?? [],
          spellings: options.spellings ?? ((path) => [path]),
        }),
        maxPerSecond: options.maxPerSecond ?? 0,
        lines: options.native === true ? nativeLines(line) : columnLines(line),
        write(line) {
          if (room-- <= 0) return false
          lines.push(line.text)
          return true
        },
        suppressed: ({ count, byType, from, to }) =>
          lines.push(gapLine({ reason: 'rate_limit', count, from, to, by: byType }, 'testhost', lookup)),
        alertRecords: !monitor,
        self: options.self,
      })
    },
    gap: ({ ring, cpu, lost, from, to }, causes, lookup) =>
      lines.push(
        gapLine(
          {
            reason: 'lost',
            count: lost,
            from,
            to,
            ring,
            cpu,
            by: new Map(causes.map(({ program, reason, count }) => [`${program}/${reason}`, count])),
          },
          'testhost',
          lookup,
        ),
      ),
  })
  pipeline.clock({ wall: EPOCH, boot: 0n })
  const view = new EventView(interner)
  return {
    pipeline,
    lines,
    feed(...events) {
      const from = lines.length
      for (const event of events) pipeline.event(look(view, event))
      return lines.slice(from).map((line) => JSON.parse(line) as JsonRecord)
    },
  }
}
