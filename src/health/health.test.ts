import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validate } from '../outputs/json-schema.ts'
import { HEALTH_SCHEMA, healthLine } from '../telemetry/health-line.ts'
import { until } from '../testing/waiting.ts'
import { collectHealth, type HealthParts } from './collect.ts'
import { explainHealth, type SomeHealth } from './explain.ts'
import { ownUsage } from './measure.ts'
import { HEALTH_FIELDS } from './record.ts'
import { startReporter } from './reporter.ts'
import { STAGES, StageTimer } from './stage-timer.ts'

const row = (more: Partial<HealthParts['ledger'][number]>): HealthParts['ledger'][number] => ({
  program: 'p',
  cpu: 0,
  seen: 0,
  guarded: 0,
  throttled: 0,
  submitted: 0,
  dropped: { ring_full: 0, nested: 0, scratch: 0, too_big: 0 },
  helperErrors: 0,
  delivered: 0,
  ...more,
})
const NO_TIME = { samples: 0, p50: 0, p99: 0, max: 0 }
const PARTS: HealthParts = {
  ledger: [],
  readerLosses: {},
  missed: 0,
  ringFill: 0,
  lost: 0,
  errors: 0,
  alerts: 0,
  outputFailures: 0,
  telemetry: undefined,
  processes: 0,
  evicted: 0,
  unknownProcess: 0,
  audited: 3,
  violations: 0,
  usage: { rss: 1, pss: null, cpu: 0 },
  times: { ring: NO_TIME, state: NO_TIME, detect: NO_TIME, output: NO_TIME },
  uptime: 0,
  elapsed: 0,
  cpuBefore: 0,
}
const health = (parts: Partial<HealthParts>): ReturnType<typeof collectHealth> =>
  collectHealth({ ...PARTS, ...parts })

/** Fields of rand-guard's record, in its words. */
const RAND_GUARD =
  `raw_events_read normalized_events_output alerts_output userspace_filtered userspace_rate_limited
  userspace_invalid_schema userspace_unsupported_kind userspace_output_failures process_table_size
  pending_exec_source_size process_records_evicted pending_sources_evicted uptime_secs rss_kb`.split(/\s+/)

test('1.1.5: every field of rand-guard is there', () => {
  for (const name of RAND_GUARD) assert.ok(name in HEALTH_FIELDS, name)
})
test('a record has every declared field and fits its schema', () => {
  const line = healthLine(health({ usage: ownUsage() }), { mono: 5n, wall: 6n, host: 'h' })
  const record = JSON.parse(line)
  assert.deepEqual(validate(HEALTH_SCHEMA, record), [])
  assert.deepEqual(Object.keys(record).slice(5), Object.keys(HEALTH_FIELDS))
})
test('1.1.12: losses in the kernel are in the record, by reason and over all programs', () => {
  const dropped = { ring_full: 3, nested: 1, scratch: 0, too_big: 0 }
  const record = health({
    ledger: [
      row({ cpu: 0, seen: 10, guarded: 2, submitted: 4, delivered: 4, dropped }),
      row({ program: 'q', seen: 5, submitted: 2, delivered: 2, dropped: { ...dropped, nested: 0 } }),
    ],
    missed: 9,
    lost: 7,
  })
  assert.deepEqual(
    [record.kernel_drops, record.kernel_seen, record.kernel_guarded, record.kernel_submitted],
    [{ ring_full: 6, nested: 1, scratch: 0, too_big: 0 }, 15, 2, 6],
  )
  assert.deepEqual([record.kernel_missed, record.events_lost, record.raw_events_read], [9, 7, 6])
})
test('records that cannot be read are told apart as rand-guard does', () => {
  const record = health({ readerLosses: { short: 1, bad_size: 2, bad_origin: 3, unknown_event: 4, late: 5 } })
  assert.deepEqual(
    [
      record.userspace_invalid_schema,
      record.userspace_unsupported_kind,
      record.late_events,
      record.raw_events_read,
    ],
    [6, 4, 5, 10],
  )
})
test('processor time is a percentage of the time since the last record', () => {
  const record = health({ usage: { rss: 1, pss: 1, cpu: 3 }, cpuBefore: 2.5, elapsed: 10 })
  assert.deepEqual([record.cpu_percent, record.cpu_seconds], [5, 3])
})
test('our own usage is plausible', () => {
  const { rss, pss, cpu } = ownUsage()
  assert.ok(rss !== null && rss > 10_000 && pss !== null && pss > 1000 && pss <= rss * 1.1 && cpu > 0)
})

/* Times */

function timerWith(every: number): { readonly timer: StageTimer; pass(ns: number): void } {
  let now = 1e9
  return {
    timer: new StageTimer(() => now, every),
    pass: (ns) => {
      now += ns
    },
  }
}
test('a timed event says how long each stage took, a few percent off at most', () => {
  const { timer, pass } = timerWith(1)
  timer.start(1e9 - 50_000)
  for (const [stage, ns] of [
    ['state', 1000],
    ['detect', 2000],
    ['output', 40_000],
  ] as const) {
    pass(ns)
    timer.mark(stage)
  }
  const times = timer.take()
  assert.deepEqual(
    STAGES.map((stage) => times[stage].max),
    [50, 1, 2, 40],
  )
  for (const stage of STAGES)
    assert.ok(times[stage].p50 <= times[stage].max && times[stage].p50 > times[stage].max * 0.9)
  assert.equal(timer.take().ring.samples, 0)
})
test('quantiles are of all samples', () => {
  const { timer, pass } = timerWith(1)
  for (let i = 1; i <= 1000; i++) {
    timer.start(1e9)
    pass(0)
    timer.mark('state')
    pass(i * 1000)
    timer.mark('detect')
  }
  const { samples, p50, p99, max } = timer.take().detect
  assert.deepEqual([samples, max], [1000, 1000])
  assert.ok(p50 > 455 && p50 < 560 && p99 > 900 && p99 <= 1000, `${p50} ${p99}`)
})
test('one event in so many is timed', () => {
  const { timer } = timerWith(10)
  for (let i = 0; i < 100; i++) {
    timer.start(0)
    timer.mark('state')
  }
  assert.equal(timer.take().state.samples, 10)
})
test('the reporter reports on demand and in intervals until it is stopped', async () => {
  const seen: number[] = []
  let now = 100
  const { usage: _u, times: _t, uptime: _up, elapsed: _e, cpuBefore: _c, ...parts } = PARTS
  const reporter = startReporter({
    intervalMs: 5,
    timer: timerWith(1).timer,
    parts: () => parts,
    write: ({ uptime_secs }) => seen.push(uptime_secs),
    now: () => now,
  })
  now = 107
  reporter.report()
  assert.deepEqual(seen, [7])
  await until(() => seen.length >= 2)
  reporter.stop()
  const count = seen.length
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(seen.length, count)
})

/* In words */

const says = (name: string, records: readonly SomeHealth[], ...expected: readonly RegExp[]): void => {
  test(`in words: ${name}`, () => {
    const remarks = explainHealth(records)
    const text = remarks.map(({ level, text: words, hint }) => `${level}: ${words} ${hint ?? ''}`).join('\n')
    for (const pattern of expected) assert.match(text, pattern)
  })
}
says('all is well', [health({ uptime: 5 })], /ok: Nothing was lost/)
says(
  'a full ring',
  [{ kernel_drops: { ring_full: 4 } }],
  /warning: 4 events found the ring full.*kernel\.ring_bytes/,
)
says(
  'an unknown reason',
  [{ kernel_drops: { other: 1 } }],
  /warning: 1 event dropped \(other\) and never came/,
)
says(
  'the limit',
  [{ userspace_rate_limited: 1 }],
  /warning: 1 telemetry record kept back.*max_events_per_second/,
)
says('filters', [{ raw_events_read: 8, userspace_filtered: 2 }], /note: 2 events \(25 %\) hidden/)
says('a slow output', [{ userspace_output_failures: 3 }], /warning: 3 lines could not be written/)
says(
  'different builds',
  [{ userspace_invalid_schema: 1, userspace_unsupported_kind: 2 }],
  /wrong size/,
  /unknown kind/,
)
says(
  'a small table',
  [{ process_records_evicted: 2, process_table_size: 5 }],
  /2 processes forgotten.*\(5 kept\)/,
)
says('memory that grows', [{ rss_kb: 1000 }, { rss_kb: 1600 }], /grew by more than half/)
says('rings nearly full', [{ ring_fill_percent: 80 }, {}], /80 % full/)
says('rates', [{ uptime_secs: 10, raw_events_read: 100 }], /100 events read, 10 a second/)
says(
  'where time goes',
  [health({ times: { ...PARTS.times, detect: { samples: 50, p50: 1, p99: 9, max: 10 } } })],
  /most of their time in 'detect': 1 µs at the median, 9 µs/,
)
test('in words: nothing about nothing', () => assert.deepEqual(explainHealth([]), []))
