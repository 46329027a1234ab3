/** The telemetry stream of a configuration. */
import type { Config } from '../config/keys.ts'
import type { Lookup } from '../fields/context.ts'
import type { Line } from '../outputs/line.ts'
import { formatName } from '../outputs/open.ts'
import { PathFilter, spellingsOf } from './filter.ts'
import { gapLine } from './gap.ts'
import type { Suppressed } from './limiter.ts'
import { nativeLines } from './native.ts'
import { RECORD_TYPES, type RecordType } from './records.ts'
import { columnLines, createTelemetry, type Telemetry } from './telemetry.ts'

export interface TelemetryPlan {
  /** Events to attach to; empty when no telemetry is asked for. */
  readonly events: ReadonlySet<string>
  /** Of those the ones of which it reports what was done alone, and the process table is told of that anyway. */
  readonly done: ReadonlySet<string>
  /** Environments are wanted. */
  readonly env: boolean
  /** Files it reports: paths under each of their names, and patterns; everything when both are empty. */
  readonly watched: { readonly paths: readonly string[]; readonly patterns: readonly string[] }
  create(lookup: Lookup): Telemetry
}

export interface TelemetrySink {
  /** Takes a record, false when there is no room. */
  record(line: Line): boolean
  /** Takes a line at once. */
  writeLine(line: string, kind: 'gap'): void
}

export interface PlanOptions {
  readonly config: Config
  readonly host: string
  /** Process id of the agent. */
  readonly self: number | undefined
  readonly sink: TelemetrySink
}

export function planTelemetry({ config, host, self, sink }: PlanOptions): TelemetryPlan {
  const events = wantedEvents(config)
  return {
    events,
    done: new Set(FORKS).intersection(events),
    env: config['telemetry.process'] && config['telemetry.collect_env'],
    watched: {
      paths: [...new Set(config['telemetry.watch_paths'].flatMap(spellingsOf))],
      patterns: config['telemetry.watch_patterns'],
    },
    create(lookup) {
      const alertRecords = config['agent.mode'] === 'detect'
      const without = new Set(
        [
          config['telemetry.collect_args'] ? [] : ['argv', 'argv_truncated'],
          config['telemetry.collect_cwd'] ? [] : ['cwd'],
          config['telemetry.collect_env'] ? [] : ['env'],
        ].flat(),
      )
      const lines = { lookup, host, mask: config['output.mask_secrets'], alertRecords, without }
      const suppressed = ({ count, byType, from, to }: Suppressed): void =>
        sink.writeLine(gapLine({ reason: 'rate_limit', count, from, to, by: byType }, host, lookup), 'gap')
      return createTelemetry({
        events,
        filter: new PathFilter({
          watchPaths: config['telemetry.watch_paths'],
          watchPatterns: config['telemetry.watch_patterns'],
          excludePaths: config['telemetry.exclude_paths'],
        }),
        maxPerSecond: config['limits.max_events_per_second'],
        lines: formatName(config) === 'tarsier' ? nativeLines(lines) : columnLines(lines),
        write: (line) => sink.record(line),
        suppressed,
        alertRecords,
        self,
      })
    },
  }
}

/** Calls that make processes: records are of those that they made. */
const FORKS: readonly string[] = ['clone', 'fork', 'vfork', 'clone3']

/** Hooks whose name is not that of a call. */
const HOOKS: Readonly<Record<string, readonly string[]>> = {
  fork: FORKS,
  exit: ['procexit'],
  execve: ['execve', 'execveat'],
  execveat: ['execve', 'execveat'],
  // Whoever wants to know who listens wants to know who came.
  listen: ['listen', 'accept', 'accept4'],
}

/**
 * Events of a list of hooks. A file hook stands for its family of operations: who asks for `openat` is told of open and
 * creat as well, and with writes go changes of permissions.
 */
export function eventsOfHooks(hooks: readonly string[]): ReadonlySet<string> {
  const named = new Set(hooks.flatMap((hook) => HOOKS[hook] ?? [hook]))
  const family = (type: RecordType): string | undefined =>
    type.kind === 'file' ? (type.operation ?? 'file_write') : undefined
  const families = new Set(
    RECORD_TYPES.filter((type) => type.events.some((event) => named.has(event))).map(family),
  )
  const whole = RECORD_TYPES.filter((type) => type.kind === 'file' && families.has(family(type)))
  return new Set([...named, ...whole.flatMap(({ events }) => events)])
}

const networkHooks = (config: Config): readonly string[] => [
  ...config['telemetry.hooks.network'],
  ...(config['telemetry.collect_dns'] ? ['net_packet_dns_request', 'net_packet_dns_response'] : []),
  ...(config['telemetry.collect_payload'] ? ['net_packet_first'] : []),
]

function wantedEvents(config: Config): ReadonlySet<string> {
  const hooks = [
    ...(config['telemetry.process'] ? config['telemetry.hooks.process'] : []),
    ...(config['telemetry.file'] ? config['telemetry.hooks.file'] : []),
    ...(config['telemetry.network'] ? networkHooks(config) : []),
  ]
  return eventsOfHooks(hooks)
}
