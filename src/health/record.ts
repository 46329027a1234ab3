/** The health record: what the agent has done and lost so far. Every field is declared once; schema, docs and words follow. */

interface Declared {
  readonly type: 'count' | 'number' | 'text' | 'nullable' | 'map' | 'times'
  readonly doc: string
}
const count = (doc: string) => ({ type: 'count', doc }) as const
const number = (doc: string) => ({ type: 'number', doc }) as const
/** A whole number, null where it cannot be read. */
const nullable = (doc: string) => ({ type: 'nullable', doc }) as const
const map = (doc: string) => ({ type: 'map', doc }) as const

/** Counters run from the start of the agent unless they say otherwise. The first fourteen are rand-guard's. */
export const HEALTH_FIELDS = {
  raw_events_read: count('records taken out of the rings'),
  normalized_events_output: count('telemetry records written'),
  alerts_output: count('alerts given to the outputs'),
  alerts_suppressed: count('alerts held back by throttle.alerts, which others tell of'),
  userspace_filtered: count('events hidden by watch and exclude lists, and the agent’s own'),
  userspace_rate_limited: count('telemetry records kept back by limits.max_events_per_second'),
  userspace_invalid_schema: count('records whose size or origin is wrong: they were not read'),
  userspace_unsupported_kind: count('records of a kind this agent does not know'),
  userspace_output_failures: count('lines lost to a full queue or a write error'),
  output_sent: map('records delivered, by output'),
  output_waiting: map('records that wait to be delivered, by output'),
  output_drops: map('records lost, by output and reason'),
  process_table_size: count('processes remembered, ended ones included'),
  pending_exec_source_size: count(
    'started programs whose call is not known yet: always 0, the kernel tells both at once',
  ),
  process_records_evicted: count('processes forgotten for lack of room'),
  pending_sources_evicted: count('always 0, as pending_exec_source_size'),
  uptime_secs: count('time since the start, s'),
  rss_kb: nullable('resident memory, KiB; the rings count twice in it'),
  pss_kb: nullable('resident memory with shared pages divided among their users, KiB'),
  cpu_percent: number('processor time since the last record, percent of one CPU'),
  cpu_seconds: number('processor time of the agent, s'),
  kernel_seen: count('events that programs saw'),
  kernel_guarded: count('events passed over in the kernel: no rule wants them, or the agent’s own'),
  kernel_guarded_by_program: map(
    'events passed over in the kernel, by the program that would have sent them',
  ),
  kernel_throttled: count('events held back by kernel.throttle'),
  guard_audited: count('events passed over that were judged all the same, and wanted by nobody'),
  guard_violations: count('events passed over that somebody wanted: each is an alert, too'),
  kernel_submitted: count('records put into the rings'),
  kernel_drops: map('events lost in the kernel, by reason'),
  kernel_missed: count('calls a program never saw because it was running on that CPU already'),
  kernel_helper_errors: count('reads that failed inside records that were sent all the same'),
  events_lost: count('records the kernel numbered that never came'),
  late_events: count('records that came after a younger one'),
  enrichment: map(
    'questions to container runtimes and resolvers, and events that waited for the answers, by what became of them',
  ),
  captures: map(
    'captures that rules began: files, matches that prolonged one, files that got too large or could not be written, bytes, and items of the past or the present that were lost',
  ),
  unknown_process: count('events of processes the table does not know'),
  ring_fill_percent: number('most seen waiting in the rings since the last record, percent of their size'),
  latency_us: {
    type: 'times',
    doc: 'time by stage since the last record, of a sample: in the ring, state, rules, output; µs',
  },
  errors: count('events that a stage could not handle'),
} as const satisfies Record<string, Declared>

export type HealthField = keyof typeof HEALTH_FIELDS
type ValueOf<D extends Declared> = D['type'] extends 'nullable'
  ? number | null
  : D['type'] extends 'map'
    ? Readonly<Record<string, number>>
    : D['type'] extends 'times'
      ? Readonly<
          Record<
            string,
            { readonly samples: number; readonly p50: number; readonly p99: number; readonly max: number }
          >
        >
      : number
export type Health = { readonly [K in HealthField]: ValueOf<(typeof HEALTH_FIELDS)[K]> }
