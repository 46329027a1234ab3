/** The tables of a rand-guard configuration: what each key is, and which of our keys it sets. */
import {
  bool,
  choice,
  type IntKey,
  int,
  type KeyDecl,
  type KeyValue,
  list,
  paths,
  some,
  text,
} from './key-types.ts'
import { KEYS, type KeyName } from './keys.ts'
import { FILTER_LEVELS } from './log-filter.ts'

export interface TableKey {
  /** What values it takes, and what it means where that is more than its key says. */
  readonly decl: KeyDecl
  /** Must be there. */
  readonly required: boolean
  /** The key it sets; none for what only has to agree with something. */
  readonly key?: KeyName
  /** From its value to that of the key. */
  readonly convert?: (value: KeyValue) => KeyValue
}

const U32_MAX = 4_294_967_295

/** Ring bytes for one record: the header, the fields and a path of common length. */
const BYTES_PER_RECORD = 512
/** The ring rand-guard had, whatever was asked for. */
const RING_FLOOR = 65_536

/** Bytes of a ring for this many records: a power of two, never below the floor. */
const ringBytesFor = (records: number): number =>
  Math.max(RING_FLOOR, 2 ** Math.ceil(Math.log2(Math.max(1, records * BYTES_PER_RECORD))))

const MAX_RECORDS = KEYS['kernel.ring_bytes.bulk'].max / BYTES_PER_RECORD
const LEAST_PROCESSES = KEYS['limits.max_processes'].min

const need = (decl: KeyDecl, key?: KeyName, convert?: TableKey['convert']): TableKey => ({
  decl,
  required: true,
  ...(key === undefined ? {} : { key }),
  ...(convert === undefined ? {} : { convert }),
})
const may = (decl: KeyDecl, key?: KeyName, convert?: TableKey['convert']): TableKey => ({
  ...need(decl, key, convert),
  required: false,
})

const upTo = (max: number, unit: string, doc: string, min = 0): IntKey => int(min, min, max, unit, doc)

const hooks = (key: 'telemetry.hooks.process' | 'telemetry.hooks.file' | 'telemetry.hooks.network') =>
  need(some(KEYS[key].values!, KEYS[key].doc), key)

/** Shapes of alerts and records; `json` is rand-guard's own word for its records. */
const FORMATS = ['json', 'rand-guard', 'falco', 'falco-text', 'tarsier'] as const

/** Every table but `rules` and `detections`, in the order of the example configuration. */
export const TABLES: Readonly<Record<string, Readonly<Record<string, TableKey>>>> = {
  agent: {
    id: need(text('', 'name of this agent in its log'), 'agent.id'),
    mode: need(choice(KEYS['agent.mode'].values, 'detect', KEYS['agent.mode'].doc), 'agent.mode'),
    log_level: need(
      text('info', `messages on standard error: ${FILTER_LEVELS.join(', ')}, or directives as in RUST_LOG`),
      'log_level',
    ),
  },
  ebpf: {
    enabled: need(bool(true, 'must be true: there is nothing to run without')),
    buffer_size: need(
      upTo(
        MAX_RECORDS,
        'records',
        `room for this many records of ${BYTES_PER_RECORD} bytes in the ring for files and the network, rounded up to a power of two of at least ${RING_FLOOR} bytes`,
      ),
      'kernel.ring_bytes.bulk',
      (value) => ringBytesFor(value as number),
    ),
  },
  events: {
    process: need(bool(true, 'must be true'), 'telemetry.process'),
    file: need(bool(true, 'records and rules of files; must agree with file.enabled'), 'telemetry.file'),
    network: need(
      bool(false, 'records and rules of the network; must agree with network.enabled'),
      'telemetry.network',
    ),
  },
  process: {
    enabled: need(bool(true, 'must agree with events.process')),
    hooks: hooks('telemetry.hooks.process'),
    collect_args: need(bool(false, KEYS['telemetry.collect_args'].doc), 'telemetry.collect_args'),
    collect_env: need(bool(false, KEYS['telemetry.collect_env'].doc), 'telemetry.collect_env'),
    collect_cwd: need(bool(false, KEYS['telemetry.collect_cwd'].doc), 'telemetry.collect_cwd'),
  },
  file: {
    enabled: need(bool(true, 'must agree with events.file')),
    hooks: hooks('telemetry.hooks.file'),
    watch_paths: need(paths([], KEYS['telemetry.watch_paths'].doc), 'telemetry.watch_paths'),
    watch_patterns: may(list([], KEYS['telemetry.watch_patterns'].doc), 'telemetry.watch_patterns'),
    exclude_paths: need(paths([], KEYS['telemetry.exclude_paths'].doc), 'telemetry.exclude_paths'),
  },
  network: {
    enabled: need(bool(false, 'must agree with events.network')),
    hooks: hooks('telemetry.hooks.network'),
    collect_dns: need(bool(false, KEYS['telemetry.collect_dns'].doc), 'telemetry.collect_dns'),
    collect_payload: need(bool(false, KEYS['telemetry.collect_payload'].doc), 'telemetry.collect_payload'),
  },
  output: {
    type: need(choice(KEYS['output.type'].values, 'stdout', KEYS['output.type'].doc), 'output.type'),
    format: need(
      choice(FORMATS, 'json', 'json is rand-guard; the others are shapes of alerts only'),
      'output.format',
      (value) => (value === 'json' ? 'rand-guard' : value),
    ),
    path: may(text('', KEYS['output.path'].doc), 'output.path'),
  },
  performance: {
    max_events_per_second: need(
      upTo(U32_MAX, 'events/s', KEYS['limits.max_events_per_second'].doc),
      'limits.max_events_per_second',
    ),
    drop_when_full: need(bool(true, KEYS['limits.drop_when_full'].doc), 'limits.drop_when_full'),
    max_process_cache_entries: may(
      upTo(
        KEYS['limits.max_processes'].max,
        'processes',
        `most processes remembered, 5000 without it; never less than ${LEAST_PROCESSES}`,
        1,
      ),
      'limits.max_processes',
      (value) => Math.max(LEAST_PROCESSES, value as number),
    ),
    max_pending_exec_sources: may(
      upTo(
        U32_MAX,
        'processes',
        'taken and not needed: a record of exec names the call it comes from, so none waits for its source',
        1,
      ),
    ),
  },
}

/** Tables that only rand-guard has: a file with one of them is its configuration, and must have them all. */
export const OWN_TABLES: readonly string[] = Object.keys(TABLES).filter(
  (name) => name !== 'agent' && name !== 'output',
)

/** What rand-guard takes where a key is left out, and what its way of judging needs. */
export const IMPLIED: Readonly<Partial<Record<KeyName, KeyValue>>> = {
  rule_matching: 'all',
  'limits.max_processes': 5000,
}
