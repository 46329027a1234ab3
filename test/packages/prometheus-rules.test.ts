/** The shipped alert rules for Prometheus: each is raised by figures that should raise it, and by no others. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, suite, test } from 'node:test'
import { parse, stringify } from 'yaml'

const FOLDER = resolve(import.meta.dirname, '../../packaging/prometheus')
const RULES = join(FOLDER, 'tarsier.rules.yml')
const NO_PROMTOOL = spawnSync('promtool', ['--version']).error === undefined ? false : 'needs promtool'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}
const rules = (parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }).groups[0]!.rules

/** Metrics with their labels, and values a minute apart in promtool's notation. */
type Figures = Readonly<Record<string, string>>
interface Case {
  readonly alert: string
  readonly figures: Figures
  readonly minutes: number
  /** Summary and labels beside instance, job and severity; undefined when it is silent. */
  readonly raised?: readonly [summary: string, labels?: Readonly<Record<string, string>>]
}
const cases: Case[] = []
const raises = (
  alert: string,
  figures: Figures,
  minutes: number,
  ...raised: NonNullable<Case['raised']>
): void => void cases.push({ alert, figures, minutes, raised })
const keepsQuiet = (alert: string, figures: Figures, minutes: number): void =>
  void cases.push({ alert, figures, minutes })

const JOB = { job: 'tarsier' }
const OUTPUT = { output: 'siem', type: 'http' }
const OF_OUTPUT = 'output="siem",type="http"'
const FILE_CHANGED = 'Tarsier integrity: file changed'
const alertsOf = (rule: string): string => `tarsier_alerts_total{rule="${rule}"}`

raises('TarsierDown', { up: '1x3 0x10' }, 8, 'No agent answers on a:1', JOB)
keepsQuiet('TarsierDown', { up: '1x3 0 1x10' }, 5)
raises('TarsierMissing', { 'up{job="other"}': '1x20' }, 15, 'Prometheus knows of no agent at all', {
  ...JOB,
  instance: '',
})
keepsQuiet('TarsierMissing', { up: '0x20' }, 15)
raises(
  'TarsierRestarts',
  { process_start_time_seconds: '100x5 200x5 300x5 400x5' },
  20,
  'The agent on a:1 started 3 times within half an hour',
  JOB,
)
keepsQuiet('TarsierRestarts', { process_start_time_seconds: '100x5 200x20' }, 20)
raises(
  'TarsierBlind',
  { 'tarsier_kernel_seen_total{program="exit_openat"}': '0+50x5 250x40' },
  40,
  'The agent on a:1 has seen no event for a while',
)
keepsQuiet(
  'TarsierBlind',
  {
    'tarsier_kernel_seen_total{program="exit_openat"}': '0x40',
    'tarsier_kernel_seen_total{program="exit_write"}': '0+1x40',
  },
  40,
)
raises('TarsierTampering', { [alertsOf(FILE_CHANGED)]: '0x5 1x5' }, 8, `a:1: ${FILE_CHANGED}`, {
  rule: FILE_CHANGED,
})
keepsQuiet('TarsierTampering', { [alertsOf('Shell')]: '0x5 1x5' }, 8)
raises(
  'TarsierEventsLost',
  { tarsier_events_lost_total: '0x10 500x10' },
  15,
  'The agent on a:1 lost about 500 events within 10 minutes',
  JOB,
)
keepsQuiet('TarsierEventsLost', { tarsier_events_lost_total: '0 500x30' }, 30)
raises(
  'TarsierKernelDrops',
  {
    'tarsier_kernel_dropped_total{program="exit_openat",reason="ring_full"}': '0x10 90x10',
    'tarsier_kernel_dropped_total{program="exit_write",reason="nested"}': '0x20',
  },
  15,
  'The kernel side on a:1 dropped about 90 events (ring_full)',
  { reason: 'ring_full' },
)
keepsQuiet('TarsierKernelDrops', { 'tarsier_kernel_dropped_total{reason="ring_full"}': '9x20' }, 15)
raises(
  'TarsierThrottled',
  { tarsier_kernel_throttled_total: '0+10x40' },
  30,
  'Events of a cgroup on a:1 are held back',
)
keepsQuiet('TarsierThrottled', { tarsier_kernel_throttled_total: '0 10x40' }, 5)
raises(
  'TarsierStageErrors',
  { tarsier_errors_total: '0x5 1x5' },
  8,
  'The agent on a:1 could not handle some events',
  JOB,
)
keepsQuiet('TarsierStageErrors', { tarsier_errors_total: '0x10' }, 8)
raises(
  'TarsierGuardViolation',
  { tarsier_guard_violations_total: '0x5 1x5' },
  8,
  'The kernel side on a:1 passed over events that rules want',
  JOB,
)
keepsQuiet('TarsierGuardViolation', { tarsier_guard_violations_total: '0x10' }, 8)
raises(
  'TarsierOutputFailing',
  {
    [`tarsier_output_failed_deliveries_total{${OF_OUTPUT}}`]: '0+1x20',
    [`tarsier_output_sent_total{${OF_OUTPUT}}`]: '7x20',
  },
  15,
  'The output siem of a:1 delivers nothing',
  { ...JOB, ...OUTPUT },
)
keepsQuiet(
  'TarsierOutputFailing',
  {
    [`tarsier_output_failed_deliveries_total{${OF_OUTPUT}}`]: '0+1x20',
    [`tarsier_output_sent_total{${OF_OUTPUT}}`]: '7+1x20',
  },
  15,
)
raises(
  'TarsierOutputDropping',
  { [`tarsier_output_dropped_total{${OF_OUTPUT},reason="queue_full"}`]: '0x5 9x10' },
  12,
  'The output siem of a:1 lost about 9 records (queue_full)',
  { output: 'siem', reason: 'queue_full' },
)
keepsQuiet(
  'TarsierOutputDropping',
  { [`tarsier_output_dropped_total{${OF_OUTPUT},reason="refused"}`]: '3x20' },
  12,
)
raises(
  'TarsierBacklogGrowing',
  { [`tarsier_output_waiting{${OF_OUTPUT}}`]: '0+20x40' },
  40,
  '800 records wait for the output siem of a:1, and more come',
  { ...JOB, ...OUTPUT },
)
keepsQuiet('TarsierBacklogGrowing', { [`tarsier_output_waiting{${OF_OUTPUT}}`]: '900-20x40' }, 30)
raises(
  'TarsierAlertFlood',
  { [alertsOf('Shell')]: '0+120x40' },
  30,
  'a:1: more than one alert a second of the rule Shell',
  {
    rule: 'Shell',
  },
)
keepsQuiet('TarsierAlertFlood', { [alertsOf('Shell')]: '0+6x40' }, 30)
raises(
  'TarsierReloadRefused',
  { tarsier_last_reload_successful: '1x3 0x20' },
  10,
  'The agent on a:1 refused its changed rules or configuration',
  JOB,
)
keepsQuiet('TarsierReloadRefused', { tarsier_last_reload_successful: '1x3 0 0 1x20' }, 10)
raises(
  'TarsierMemoryHigh',
  { process_resident_memory_bytes: '524288000x40' },
  20,
  'The agent on a:1 takes 500MiB of memory',
  JOB,
)
keepsQuiet('TarsierMemoryHigh', { process_resident_memory_bytes: '80000000x40' }, 20)
raises(
  'TarsierBusy',
  { process_cpu_seconds_total: '0+45x40' },
  30,
  'The agent on a:1 takes 75% of a processor',
  JOB,
)
keepsQuiet('TarsierBusy', { process_cpu_seconds_total: '0+1x40' }, 30)

/** `name{x="y"}` with the labels every target has. */
function series(metric: string): string {
  const [, name = metric, labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(metric) ?? []
  const own = labels.includes('job=') ? [] : ['job="tarsier"']
  return `${name}{${[...own, 'instance="a:1"', ...(labels === '' ? [] : [labels])].join(',')}}`
}

function asPromtool({ alert, figures, minutes, raised }: Case): object {
  const rule = rules.find((one) => one.alert === alert) ?? assert.fail(alert)
  const labels = raised && { instance: 'a:1', severity: rule.labels.severity, ...raised[1] }
  const annotations = raised && { summary: raised[0], description: rule.annotations.description }
  return {
    name: `${alert}${raised === undefined ? ', silent' : ''}`,
    interval: '1m',
    input_series: Object.entries(figures).map(([metric, values]) => ({ series: series(metric), values })),
    alert_rule_test: [
      {
        eval_time: `${minutes}m`,
        alertname: alert,
        exp_alerts:
          labels === undefined
            ? []
            : [
                {
                  exp_labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')),
                  exp_annotations: annotations,
                },
              ],
      },
    ],
  }
}

const promtool = (...args: readonly string[]) =>
  spawnSync('promtool', args, { encoding: 'utf8', timeout: 60_000 })

suite('alert rules for Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-rules-'))
  after(() => rmSync(folder, { recursive: true }))

  test('every rule has a case that raises it and one that does not', () => {
    for (const { alert } of rules) {
      const own = cases.filter((one) => one.alert === alert)
      assert.ok(
        own.some(({ raised }) => raised !== undefined) && own.some(({ raised }) => raised === undefined),
        alert,
      )
    }
  })
  test('they ask for nothing that the agent does not publish', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../src/server/metrics.ts'), 'utf8')
    for (const { alert, expr } of rules)
      for (const [name] of expr.matchAll(/\b(?:tarsier|process)_\w+/g))
        assert.ok(page.includes(`'${name}'`), `${alert}: ${name}`)
  })
  test('promtool takes them, and the configuration beside them', { skip: NO_PROMTOOL }, () => {
    for (const args of [
      ['check', 'rules', RULES],
      ['check', 'config', join(FOLDER, 'prometheus.yml')],
    ]) {
      const { status, stdout, stderr } = promtool(...args)
      assert.equal(status, 0, stdout + stderr)
    }
  })
  test('promtool raises what figures should raise', { skip: NO_PROMTOOL }, () => {
    const file = join(folder, 'cases.yml')
    writeFileSync(
      file,
      stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: cases.map(asPromtool) }),
    )
    const { status, stdout, stderr } = promtool('test', 'rules', file)
    assert.equal(status, 0, stdout + stderr)
  })
})
