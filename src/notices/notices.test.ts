import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { parseInterval } from '../config/interval.ts'
import { configFrom } from '../config/options.ts'
import type { Alert } from '../detect/alert.ts'
import type { ProgramCounts } from '../health/ledger.ts'
import { falcoJson, falcoText } from '../outputs/formats/falco.ts'
import { byCpu, categoryOf, type DropCounters, dropCounters } from './counters.ts'
import { createDropWatch, type DropOptions } from './drops.ts'
import { type MetricsOptions, metricFields, ruleKey, type Sample } from './metrics.ts'
import { startNotices } from './notices.ts'
import { readUsage } from './usage.ts'

const row = (program: string, seen: number, ring_full: number, cpu = 0, guarded = 0): ProgramCounts => ({
  program,
  cpu,
  seen,
  guarded,
  throttled: 0,
  submitted: seen - ring_full - guarded,
  dropped: { ring_full, nested: 0, scratch: 0, too_big: 0 },
  helperErrors: 0,
  delivered: 0,
})
const counters = (events: number, drops: number): DropCounters =>
  dropCounters([row('exit_openat', events, drops)])

describe('counters', () => {
  const kinds: readonly (readonly [string, string])[] = [
    ['exit_openat', 'open'],
    ['exit_creat', 'open'],
    ['exit_execve', 'execve'],
    ['on_sched_process_exec', 'execve'],
    ['on_sched_process_fork', 'clone_fork'],
    ['on_sched_process_exit', 'proc'],
    ['exit_renameat2', 'dir_file'],
    ['exit_connect', 'connect'],
    ['exit_write', 'other_interest'],
  ]
  for (const [program, category] of kinds)
    test(`${program} counts as ${category}`, () => assert.equal(categoryOf(program), category))
  test('what was passed over on purpose is no event', () => {
    const { events, drops, buffer } = dropCounters([
      row('exit_openat', 10, 2, 0, 5),
      row('exit_openat', 3, 1, 1),
    ])
    assert.deepEqual([events, drops, buffer.open], [8, 3, 3])
  })
  test('by CPU', () =>
    assert.deepEqual(byCpu([row('a', 3, 1, 1), row('b', 2, 0, 0), row('a', 1, 0, 0)]), [
      { cpu: 0, events: 3, drops: 0 },
      { cpu: 1, events: 3, drops: 1 },
    ]))
})

describe('lost events', () => {
  const OPTIONS: DropOptions = { threshold: 0.1, rate: 0, maxBurst: 1000, simulate: false }
  /** Drops that each second's notice tells of, 0 for a second without one; counters by second. */
  const told = (
    options: Partial<DropOptions>,
    ...seconds: readonly (readonly [events: number, drops: number])[]
  ) => {
    const watch = createDropWatch({ ...OPTIONS, ...options })
    return seconds.map(([events, drops], i) =>
      Number(watch.check(counters(events, drops), i)?.fields.get('n_drops') ?? 0),
    )
  }
  test('above the threshold', () => assert.deepEqual(told({}, [100, 11], [200, 22]), [11, 11]))
  test('not at the threshold', () => assert.deepEqual(told({}, [100, 10]), [0]))
  test('any, with threshold 0', () => assert.deepEqual(told({ threshold: 0 }, [100, 0], [1000, 1]), [0, 1]))
  test('not more often than the rate allows', () =>
    assert.deepEqual(told({ rate: 0.5, maxBurst: 1 }, [10, 5], [20, 10], [30, 15], [40, 20]), [5, 0, 5, 0]))
  test('simulated: one a second whatever the threshold', () =>
    assert.deepEqual(told({ simulate: true, threshold: 1 }, [0, 0], [5, 0]), [1, 1]))
  test('values are texts under names of Falco', () => {
    const { message, fields } = createDropWatch(OPTIONS).check(counters(10, 4), 0)!
    assert.equal(message, 'Falco internal: syscall event drop. 4 system calls dropped in last second.')
    assert.deepEqual(Object.fromEntries(fields), {
      ebpf_enabled: '1',
      n_evts: '10',
      n_drops: '4',
      n_drops_buffer_total: '4',
      n_drops_buffer_clone_fork_exit: '0',
      n_drops_buffer_execve_exit: '0',
      n_drops_buffer_connect_exit: '0',
      n_drops_buffer_open_exit: '4',
      n_drops_buffer_dir_file_exit: '0',
      n_drops_buffer_other_interest_exit: '0',
      n_drops_buffer_close_exit: '0',
      n_drops_buffer_proc_exit: '0',
      n_drops_scratch_map: '0',
      n_drops_page_faults: '0',
      n_drops_bug: '0',
    })
  })
})

describe('metrics', () => {
  const ALL: MetricsOptions = {
    rules: true,
    resources: true,
    state: true,
    kernel: true,
    perCpu: true,
    megabytes: true,
    empty: true,
  }
  const sample = (more: Partial<Sample> = {}): Sample => ({
    time: 12_000_000_000n,
    clock: 10,
    startTime: 2_000_000_000n,
    reloadTime: 2_000_000_000n,
    bootTime: 1n,
    version: '1',
    hostname: 'box',
    kernelRelease: '6',
    cpus: 2,
    events: 100,
    outputDrops: 0,
    rules: new Map([['Read /etc: now', 3]]),
    usage: { ...readUsage(), cpu: 1, rss: 2048, pss: undefined, hostBusy: 10, hostTotal: 40 },
    processes: 5,
    unknownProcesses: 0,
    kernel: counters(200, 20),
    perCpu: [{ cpu: 1, events: 200, drops: 20 }],
    ...more,
  })
  const value = (key: string, options: Partial<MetricsOptions> = {}, before?: Sample): unknown =>
    metricFields(sample(), before, { ...ALL, ...options }).get(key)
  const before = sample({ clock: 5, events: 50, kernel: counters(100, 10) })

  test('the base', () =>
    assert.deepEqual([value('evt.source'), value('falco.duration_sec')], ['syscall', 10]))
  test('time in ns, whole', () => assert.equal(value('evt.time'), 12_000_000_000n))
  test('rates are since the snapshot before', () =>
    assert.equal(value('falco.evts_rate_sec', {}, before), 10))
  test('losses', () =>
    assert.deepEqual([value('scap.n_drops'), value('scap.n_drops_perc', {}, before)], [20, 10]))
  test('by CPU', () => assert.equal(value('scap.n_drops_cpu_1'), 20))
  test('rules', () => assert.equal(value('falco.rules.Read_etc_now'), 3))
  test('a key for a rule', () => assert.equal(ruleKey('(a) b-c'), 'falco.rules.a_b_c'))
  test('memory in MB', () => assert.equal(value('falco.memory_rss_mb'), 2))
  test('memory in KB', () => assert.equal(value('falco.memory_rss_kb', { megabytes: false }), 2048))
  test('what cannot be read is left out', () => assert.equal(value('falco.memory_pss_mb'), undefined))
  test('the host', () => assert.equal(value('falco.host_cpu_usage_perc'), 25))
  test('nothing is left out unless asked', () => {
    assert.equal(value('scap.n_drops_bug'), 0)
    assert.equal(value('scap.n_drops_bug', { empty: false }), undefined)
  })
  for (const [option, key] of [
    ['rules', 'falco.rules.matches_total'],
    ['resources', 'falco.cpu_usage_perc'],
    ['state', 'falco.n_threads'],
    ['perCpu', 'scap.n_evts_cpu_1'],
  ] as const)
    test(`${option} can be left out`, () => assert.equal(value(key, { [option]: false }), undefined))

  const intervals: readonly (readonly [string, number | undefined])[] = [
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['100ms', 100],
    ['99ms', undefined],
    ['500', 500],
    ['1y', 2 ** 31 - 1],
    ['1x', undefined],
    ['', undefined],
  ]
  for (const [text, ms] of intervals) test(`interval '${text}'`, () => assert.equal(parseInterval(text), ms))
  test('an interval that is none is refused', () =>
    assert.throws(() => configFrom(['metrics.interval=soon']), /metrics\.interval takes a time/))

  test('they are told in the shape of Falco', async () => {
    const told = await collect(['metrics.enabled=true', 'metrics.interval=100ms'], sample(), 1)
    const json = JSON.parse(falcoJson(told.alerts[0]!, JSON_OPTIONS))
    assert.deepEqual(
      [json.rule, json.priority, json.source, json.output, json.tags],
      ['Falco internal: metrics snapshot', 'Informational', 'internal', 'Falco metrics snapshot', undefined],
    )
    assert.equal(json.output_fields['evt.source'], 'syscall')
  })
  test('they go to a file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'metrics-'))
    try {
      const file = join(directory, 'm.jsonl')
      await collect(
        ['metrics.enabled=true', 'metrics.interval=100ms', `metrics.output_file=${file}`],
        sample(),
        2,
      )
      const [line = ''] = readFileSync(file, 'utf8').split('\n')
      const { sample: number, output_fields } = JSON.parse(line)
      assert.deepEqual([number, output_fields['falco.num_evts']], [1, 100])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
  test('a higher least priority silences them', async () => {
    const told = await collect(
      [
        'metrics.enabled=true',
        'metrics.interval=100ms',
        'priority=notice',
        'syscall_event_drops.simulate_drops=true',
      ],
      sample(),
      0,
      1200,
    )
    assert.deepEqual(told.alerts, [])
  })
})

const JSON_OPTIONS = {
  iso8601: true,
  includeOutput: true,
  includeMessage: true,
  includeFields: true,
  includeTags: true,
}

interface Told {
  readonly alerts: Alert[]
  readonly log: string[]
  exits: number
}

/** What is told until there are so many alerts, at most for a while. */
async function collect(
  options: readonly string[],
  sample: Sample,
  alerts: number,
  most = 5000,
): Promise<Told> {
  const told: Told = { alerts: [], log: [], exits: 0 }
  const done = Promise.withResolvers<void>()
  const notices = startNotices({
    config: configFrom(options),
    identity: { hostname: 'box', hostId: 'h', bootId: 'b' },
    counters: () => sample.kernel,
    sample: () => sample,
    now: () => 1_767_323_045_000_000_006n,
    alert(alert) {
      told.alerts.push(alert)
      if (told.alerts.length === alerts) done.resolve()
    },
    log: (level, message) => told.log.push(`${level}: ${message}`),
    exit: () => {
      told.exits++
      done.resolve()
    },
  })
  const timer = setTimeout(done.resolve, most)
  await done.promise
  clearTimeout(timer)
  notices.stop()
  return told
}

describe('actions', () => {
  const SAMPLE = { kernel: counters(0, 0) } as Sample
  const simulated = (actions: string, count: number, most?: number): Promise<Told> =>
    collect(
      ['syscall_event_drops.simulate_drops=true', `syscall_event_drops.actions=${actions}`],
      SAMPLE,
      count,
      most,
    )
  const MESSAGE = 'Falco internal: syscall event drop. 1 system calls dropped in last second.'

  test('alert', async () => {
    const { alerts, log } = await simulated('[alert]', 1)
    assert.deepEqual(log, [])
    assert.match(
      falcoText(alerts[0]!, JSON_OPTIONS),
      /^2026-01-02T03:04:05\.000000006\+0000: Debug Falco internal: syscall event drop\. 1 system calls dropped in last second\. \(ebpf_enabled=1 n_drops=1 n_drops_buffer_clone_fork_exit=0 /,
    )
  })
  test('log and exit', async () => {
    const { alerts, log, exits } = await simulated('[log, exit]', 1)
    assert.deepEqual([alerts.length, log, exits], [0, [`debug: ${MESSAGE}`, `error: ${MESSAGE} Exiting.`], 1])
  })
  test('ignore', async () =>
    assert.deepEqual(await simulated('[ignore]', 1, 1200), { alerts: [], log: [], exits: 0 }))
})
test('memory of the container is read where FALCO_CGROUP_MEM_PATH says', () => {
  const read = (file: string) => readUsage({ FALCO_CGROUP_MEM_PATH: file }).containerMemory
  const file = join(mkdtempSync(join(tmpdir(), 'tarsier-usage-')), 'memory.current')
  writeFileSync(file, '2048000\n')
  assert.deepEqual([read(file), read('/nowhere')], [2000, undefined])
  rmSync(dirname(file), { recursive: true })
})
