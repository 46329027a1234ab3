import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DROP_REASONS } from '../../schema/index.ts'
import { byCpu, dropCounters } from '../notices/counters.ts'
import { noDrops } from '../outputs/delivery/message.ts'
import { metricsPage, type Snapshot } from './metrics.ts'

const row = (program: string, cpu: number, seen: number, guarded: number, ringFull = 0) => ({
  program,
  cpu,
  seen,
  guarded,
  throttled: 0,
  submitted: seen - guarded - ringFull,
  dropped: { ...Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])), ring_full: ringFull } as never,
  helperErrors: 0,
  delivered: seen - guarded - ringFull,
})
const ledger = [row('exit_openat', 0, 100, 90, 4), row('exit_openat', 1, 10, 0), row('exit_write', 0, 5, 5)]
const SNAPSHOT: Snapshot = {
  sample: {
    time: 1_767_225_610_000_000_000n,
    clock: 20,
    startTime: 1_767_225_600_000_000_000n,
    reloadTime: 1_767_225_600_000_000_000n,
    bootTime: 1_767_225_000_000_000_000n,
    version: '1.2.3',
    hostname: 'box"\n',
    kernelRelease: '6.18.0',
    cpus: 2,
    events: 16,
    outputDrops: 2,
    rules: new Map([
      ['Read a secret', 3],
      ['Falco internal: syscall event drop', 1],
    ]),
    usage: {
      cpu: 1.5,
      rss: 2048,
      pss: 1024,
      vsz: 4096,
      hostBusy: 1,
      hostTotal: 2,
      containerMemory: 9,
      hostMemory: 8,
      hostRunning: 1,
      hostFiles: 9,
    },
    processes: 42,
    unknownProcesses: 1,
    kernel: dropCounters(ledger),
    perCpu: byCpu(ledger),
  },
  ledger,
  events: new Map([['openat', 16]]),
  lost: 4,
  errors: 0,
  violations: 0,
  guardGeneration: 2,
  reloads: { done: 3, refused: 1, lastOk: false },
  suppressed: 512,
  captures: { files: 2, failed: 1 },
  outputs: [
    {
      name: 'siem',
      type: 'http',
      sent: 7,
      failed: 2,
      retried: 3,
      dropped: { ...noDrops(), queue_full: 5 },
      waiting: 1,
      bytes: 100,
      spooled: 1,
    },
  ],
  rules: [
    {
      name: 'Read a secret',
      priority: 'Warning',
      source: 'syscall',
      tags: ['mitre_credential_access', 'T1003.008'],
    },
  ],
  ruleFiles: [{ file: '/etc/falco/falco_rules.yaml', sha256: 'ab' }],
  configFiles: [],
}
const lines = metricsPage(SNAPSHOT).split('\n')

const has = (line: string): void => void test(line, () => assert.ok(lines.includes(line), lines.join('\n')))
has('tarsier_build_info{version="1.2.3"} 1')
has('tarsier_events_total{type="openat"} 16')
has('tarsier_kernel_seen_total{program="exit_openat"} 110')
has('tarsier_kernel_guarded_total{program="exit_write"} 5')
has('tarsier_kernel_dropped_total{program="exit_openat",reason="ring_full"} 4')
has('tarsier_events_lost_total 4')
has('tarsier_alerts_total{rule="Read a secret",priority="Warning",source="syscall"} 3')
has('tarsier_alerts_total{rule="Falco internal: syscall event drop",priority="",source="internal"} 1')
has('process_resident_memory_bytes 2097152')
has('process_start_time_seconds 1767225600')
has(
  'falcosecurity_falco_rules_matches_total{rule_name="Read a secret",priority="4",source="syscall",tag_mitre_credential_access="true",tag_T1003_008="true"} 3',
)
has('falcosecurity_evt_hostname_info{hostname="box\\"\\n"} 1')
has('falcosecurity_falco_sha256_rules_files_info{file_name="falco_rules.yaml",sha256="ab"} 1')
has('falcosecurity_falco_duration_seconds_total 10')
has('falcosecurity_scap_n_drops_total 4')
has('falcosecurity_scap_n_evts_cpu_total{cpu="1"} 10')
has('tracee_ebpf_lostevents_total 4')
has('tracee_lostevents_total 4')
has('tracee_rules_events_total 16')
has('falcosecurity_falco_cpu_usage_ratio 0.15')
has('falcosecurity_falco_host_cpu_usage_ratio 0.5')
has('falcosecurity_scap_n_threads_total 42')
has('tarsier_captures_total{what="failed"} 1')
has('tarsier_guard_generation 2')
has('tarsier_output_spooled{output="siem",type="http"} 1')
has('tarsier_reloads_total{outcome="refused"} 1')
has('tarsier_last_reload_successful 0')
has('tarsier_reload_timestamp_seconds 1767225600')

test('each line is one of the format, each name is declared once', () => {
  const names = lines.flatMap((line) => /^# TYPE (\S+) /.exec(line)?.[1] ?? [])
  assert.equal(new Set(names).size, names.length)
  for (const line of lines.filter((text) => text !== ''))
    assert.match(
      line,
      /^(# (HELP|TYPE) [a-z][a-z0-9_]* .+|[a-z][a-z0-9_]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\.)*",?)+\})? \S+)$/,
    )
})
