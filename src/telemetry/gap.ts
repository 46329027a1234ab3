/** Records that say what is missing: events the kernel could not deliver, telemetry that was kept back. */
import { type Absence, absenceText, type Throttled } from '../detect/alert.ts'
import type { Lookup } from '../fields/context.ts'
import { type Json, toJson } from '../outputs/formats/json.ts'
import { isoTime } from '../outputs/formats/time.ts'
import * as json from '../outputs/json-schema.ts'

const GAP_REASONS = [
  'lost',
  'rate_limit',
  'output_full',
  'throttle_start',
  'throttle_stop',
  'not_running',
] as const

/** What is missing, and where in time. Times are CLOCK_MONOTONIC ns. */
export interface Missing {
  readonly reason: (typeof GAP_REASONS)[number]
  readonly count: number
  readonly from: number
  readonly to: number
  /** For lost events: where they were lost. */
  readonly ring?: string
  readonly cpu?: number
  /** For events that the kernel side held back: ids of the cgroup, v2 and v1. */
  readonly cgroups?: { readonly cgroup: number; readonly cgroupV1: number }
  /** What is missing by event type, or by program and reason where only that is known. */
  readonly by: ReadonlyMap<string, number>
  /** Instead of the usual message. */
  readonly words?: string
}

const WORDS: Readonly<Record<Missing['reason'], string>> = {
  lost: 'events lost between kernel and agent',
  rate_limit: 'telemetry records suppressed by the rate limit',
  output_full: 'telemetry records dropped because the output was full',
  throttle_start: 'events of a cgroup held back so far, and more to come',
  throttle_stop: 'events of a cgroup held back in all',
  not_running: 'nothing was seen, because no agent ran',
}

export const GAP_SCHEMA: json.JsonSchema = json.record(
  {
    event_type: json.constant('gap', 'kind of the record'),
    v: json.constant(1, 'version of this shape'),
    reason: json.oneOfTexts(GAP_REASONS, 'why they are missing'),
    count: json.count('how many'),
    message: json.text('the same in words'),
    timestamp_ns: json.count('CLOCK_MONOTONIC at the end of the gap, ns'),
    from_ns: json.count('CLOCK_MONOTONIC at its beginning, ns; 0 when there was nothing before'),
    time: json.time('wall clock at the end'),
    host: json.text('name of the host'),
    ring: json.text('ring the events were meant for'),
    cpu: json.count('CPU they came from'),
    cgroup: json.count('v2 id of the cgroup whose events are held back'),
    cgroup_v1: json.count('its v1 id, 0 without one'),
    by: {
      type: 'object',
      additionalProperties: json.count('how many'),
      description: 'by event type; lost events by program and reason',
    },
  },
  { optional: ['ring', 'cpu', 'cgroup', 'cgroup_v1'] },
)

/** One line. */
export function gapLine(missing: Missing, host: string, lookup: Lookup): string {
  const { reason, count, from, to, ring, cpu, cgroups, words } = missing
  const by = [...missing.by].sort((a, b) => b[1] - a[1])
  const most = by.map(([name, n]) => `${name} ${n}`).join(', ')
  const record: Record<string, Json> = {
    event_type: 'gap',
    v: 1,
    reason,
    count,
    message: words ?? `${count} ${WORDS[reason]}${most === '' ? '' : `: ${most}`}`,
    timestamp_ns: to,
    from_ns: from,
    time: isoTime(lookup.wallClock(BigInt(to))),
    host,
    ...(ring === undefined ? {} : { ring }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(cgroups === undefined ? {} : { cgroup: cgroups.cgroup, cgroup_v1: cgroups.cgroupV1 }),
    by: Object.fromEntries(by),
  }
  return toJson(record)
}

/** A time without an agent: nobody counted, so the number is 0. */
export const absenceLine = (absence: Absence, host: string, lookup: Lookup): string =>
  gapLine(
    {
      reason: 'not_running',
      count: 0,
      from: absence.from,
      to: absence.to,
      by: new Map(),
      words: absenceText(absence),
    },
    host,
    lookup,
  )

/** The beginning or the end of events being held back: a gap with a reason of its own. */
export const throttleLine = (
  { state, cgroup, cgroupV1, count, from, to }: Throttled,
  host: string,
  lookup: Lookup,
): string =>
  gapLine(
    {
      reason: `throttle_${state}`,
      count,
      from,
      to,
      ring: 'bulk',
      cgroups: { cgroup, cgroupV1 },
      by: new Map(),
    },
    host,
    lookup,
  )
