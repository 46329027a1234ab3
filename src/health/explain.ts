/** What health records say, in words: what was lost and why, what it cost, what to do about it. */
import type { Health } from './record.ts'
import { counted, grouped } from './words.ts'

/** Any subset: rand-guard's own records have its fourteen fields only. */
export type SomeHealth = { readonly [K in keyof Health]?: Health[K] | undefined }

export interface Remark {
  /** `ok`: as it should be; `note`: good to know; `warning`: something is missing or wrong. */
  readonly level: 'ok' | 'note' | 'warning'
  readonly text: string
  /** What to do. */
  readonly hint?: string
}

interface Facts {
  readonly first: SomeHealth
  readonly last: SomeHealth
  readonly all: readonly SomeHealth[]
}

/** Remarks about records of one run of the agent, in order; empty for none. */
export function explainHealth(all: readonly SomeHealth[]): readonly Remark[] {
  const last = all.at(-1)
  if (last === undefined) return []
  const facts: Facts = { first: all[0]!, last, all }
  const remarks = TOPICS.flatMap((topic) => topic(facts))
  return remarks.some(({ level }) => level === 'warning')
    ? remarks
    : [...remarks, { level: 'ok', text: 'Nothing was lost, nothing went wrong.' }]
}

type Topic = (facts: Facts) => readonly Remark[]

const share = (part: number, whole: number): string =>
  whole === 0 ? '' : ` (${grouped(Math.round((part / whole) * 1000) / 10)} %)`
const warning = (text: string, hint?: string): Remark => ({
  level: 'warning',
  text,
  ...(hint === undefined ? {} : { hint }),
})
const note = (text: string, hint?: string): Remark => ({
  level: 'note',
  text,
  ...(hint === undefined ? {} : { hint }),
})
/** A remark about a counter that should be 0. */
const ifAny = (value: number | undefined, remark: (value: number) => Remark): readonly Remark[] =>
  value === undefined || value === 0 ? [] : [remark(value)]

const throughput: Topic = ({ last, all }) => {
  const seconds = last.uptime_secs ?? 0
  const rate = (count: number): string =>
    seconds > 0 ? `, ${grouped(Math.round(count / seconds))} a second` : ''
  const read = last.raw_events_read ?? 0
  const out = last.normalized_events_output ?? 0
  return [
    note(
      `${counted(all.length, 'health record')}; the agent had run for ${grouped(seconds)} s. ` +
        `${counted(read, 'event')} read${rate(read)}; ${counted(out, 'telemetry record')} written${rate(out)}; ` +
        `${counted(last.alerts_output ?? 0, 'alert')}.`,
    ),
  ]
}

const DROP_WORDS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  ring_full: {
    what: 'found the ring full',
    hint: 'raise kernel.ring_bytes.bulk (or .critical), narrow the rules, or give the agent more processor time',
  },
  nested: {
    what: 'came while the same CPU was recording another',
    hint: 'nothing to set; more of them are worth a report',
  },
  scratch: { what: 'found no room to be put together', hint: 'nothing to set; it is worth a report' },
  too_big: { what: 'were larger than a record can be', hint: 'nothing to set; long arguments do this' },
}

const kernelLosses: Topic = ({ last }) => [
  ...Object.entries(last.kernel_drops ?? {}).flatMap(([reason, count]) =>
    ifAny(count, (value) => {
      const { what, hint } = DROP_WORDS[reason] ?? { what: `dropped (${reason})`, hint: '' }
      return warning(`${counted(value, 'event')} ${what} and never came.`, hint === '' ? undefined : hint)
    }),
  ),
  ...ifAny(last.kernel_missed, (value) =>
    warning(
      `${counted(value, 'call')} came while their program was running on that CPU, which the kernel does not allow.`,
    ),
  ),
  ...ifAny(last.kernel_helper_errors, (value) =>
    note(`${counted(value, 'value')} could not be read in the kernel; their events came without them.`),
  ),
]

const guarded: Topic = ({ last }) => [
  ...ifAny(last.kernel_guarded, (value) =>
    note(
      `${counted(value, 'event')}${share(value, last.kernel_seen ?? 0)} passed over in the kernel: the agent's own, or wanted by no rule.`,
    ),
  ),
  ...ifAny(last.kernel_throttled, (value) =>
    warning(
      `${counted(value, 'event')}${share(value, last.kernel_seen ?? 0)} held back by kernel.throttle: rules did not see them.`,
    ),
  ),
  ...ifAny(last.guard_violations, (value) =>
    warning(
      `${counted(value, 'event')} passed over in the kernel would have been wanted: a fault of the guards. With 'kernel.guards: false' nothing is passed over; please report it.`,
    ),
  ),
]

const hiding: Topic = ({ last }) => [
  ...ifAny(last.userspace_filtered, (value) =>
    note(
      `${counted(value, 'event')}${share(value, last.raw_events_read ?? 0)} hidden by watch and exclude lists; rules judged them all the same.`,
    ),
  ),
  ...ifAny(last.userspace_rate_limited, (value) =>
    warning(
      `${counted(value, 'telemetry record')} kept back by the limit. Alerts are not among them.`,
      'raise limits.max_events_per_second, or watch fewer paths',
    ),
  ),
]

const reading: Topic = ({ last }) => [
  ...ifAny(last.userspace_invalid_schema, (value) =>
    warning(
      `${counted(value, 'record')} of a wrong size.`,
      'BPF objects and agent are of different builds: build both',
    ),
  ),
  ...ifAny(last.userspace_unsupported_kind, (value) =>
    warning(
      `${counted(value, 'record')} of an unknown kind.`,
      'BPF objects and agent are of different builds: build both',
    ),
  ),
  ...ifAny(last.late_events, (value) =>
    note(
      `${counted(value, 'event')} came out of order and ${value === 1 ? 'was' : 'were'} judged all the same.`,
    ),
  ),
  ...ifAny(last.errors, (value) => warning(`${counted(value, 'event')} could not be handled: see the log.`)),
]

const writing: Topic = ({ last }) =>
  ifAny(last.userspace_output_failures, (value) =>
    warning(
      `${counted(value, 'line')} could not be written: the output was full or failed.`,
      'whoever reads the output is too slow, or the disk is full',
    ),
  )

const capturing: Topic = ({ last }) => {
  const { failed = 0, lost = 0, forgotten = 0 } = (last.captures ?? {}) as Readonly<Record<string, number>>
  return [
    ...ifAny(failed + lost, () =>
      warning(
        `${counted(failed, 'capture')} could not be made or written to the end, ${counted(lost, 'item')} lost: the disk is full, or the folder of capture.path_prefix is gone.`,
      ),
    ),
    ...ifAny(forgotten, (value) =>
      note(
        `${counted(value, 'item')} left the memory of what was before a match early, for lack of room.`,
        'raise capture.prebuffer_mb, or name fewer events in capture.prebuffer',
      ),
    ),
  ]
}

const table: Topic = ({ last }) => [
  ...ifAny(last.process_records_evicted, (value) =>
    note(
      `${counted(value, 'process', 'processes')} forgotten for lack of room (${grouped(last.process_table_size ?? 0)} kept): their events come without names.`,
      'raise limits.max_processes',
    ),
  ),
  ...ifAny(last.pending_sources_evicted, (value) =>
    note(`${counted(value, 'start')} forgotten before it was known how the program was started.`),
  ),
  ...ifAny(last.unknown_process, (value) =>
    note(`${counted(value, 'event')}${share(value, last.raw_events_read ?? 0)} of processes nobody knows.`),
  ),
]

/** Fuller than this a burst may overflow it. */
const RING_WARNING = 50
const FEW_SAMPLES = 10

const load: Topic = ({ last, all, first }) => {
  const remarks: Remark[] = []
  const fill = Math.max(...all.map((one) => one.ring_fill_percent ?? 0))
  if (fill > RING_WARNING)
    remarks.push(
      note(
        `The rings were ${grouped(fill)} % full at one time.`,
        'raise kernel.ring_bytes.bulk before events are lost',
      ),
    )
  if (last.cpu_seconds !== undefined)
    remarks.push(
      note(
        `Processor time ${grouped(last.cpu_seconds)} s, ${grouped(last.cpu_percent ?? 0)} % of one CPU at the end.`,
      ),
    )
  const memory = last.rss_kb
  if (typeof memory === 'number')
    remarks.push(note(`Memory ${grouped(Math.round(memory / 1024))} MiB resident${sharedMemory(last)}.`))
  if (isGrowing(first, last))
    remarks.push(note('Memory grew by more than half from the first record to the last.'))
  const slow = slowest(last)
  if (slow !== undefined) remarks.push(slow)
  return remarks
}

const sharedMemory = ({ pss_kb }: SomeHealth): string =>
  typeof pss_kb === 'number' ? `, ${grouped(Math.round(pss_kb / 1024))} MiB of its own` : ''

const isGrowing = ({ rss_kb: before }: SomeHealth, { rss_kb: after }: SomeHealth): boolean =>
  typeof before === 'number' && typeof after === 'number' && after > before * 1.5

/** Where events spend most of their time. */
function slowest({ latency_us: times }: SomeHealth): Remark | undefined {
  const stages = Object.entries(times ?? {}).filter(([, { samples }]) => samples >= FEW_SAMPLES)
  const [most] = stages.sort(([, a], [, b]) => b.p99 - a.p99)
  if (most === undefined) return undefined
  const [stage, { p50, p99 }] = most
  return note(
    `Events spend most of their time in '${stage}': ${grouped(p50)} µs at the median, ${grouped(p99)} µs for the slowest hundredth.`,
  )
}

const TOPICS: readonly Topic[] = [
  throughput,
  kernelLosses,
  reading,
  writing,
  capturing,
  hiding,
  guarded,
  table,
  load,
]
