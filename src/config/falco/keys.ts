/**
 * Keys of falco.yaml that are not keys of ours: what each takes and what stands in its place here. Those that Tarsier
 * serves under Falco's own name are in `../keys.ts`. Names and types are those of Falco 0.44, with what earlier versions
 * had and users still write.
 */
import { bool, int, type KeyDecl, type KeyValue, list, number, structure, text } from '../key-types.ts'
import type { KeyName } from '../keys.ts'

export interface FalcoKey {
  /** Its type and, as `doc`, what stands in its place. The default is what Falco does without the key. */
  readonly decl: KeyDecl
  /** Values that ask for nothing that is not done anyway; any other is reported. */
  readonly fine: 'all' | readonly KeyValue[]
  /** The setting of ours it stands for. */
  readonly sets?: { readonly key: KeyName; readonly convert: (value: KeyValue) => KeyValue }
}

/** Reported unless it has the value it has without being written. */
const unserved = (decl: KeyDecl): FalcoKey => ({ decl, fine: [decl.default] })
/** Reported whatever its value. */
const missing = (decl: KeyDecl): FalcoKey => ({ decl, fine: [] })
/** Nothing to report: what it is about does not exist here, or it only matters together with another key. */
const moot = (decl: KeyDecl): FalcoKey => ({ decl, fine: 'all' })

const anything = (doc: string): KeyDecl => structure<object>({}, 'any value', (value) => ({ value }), doc)
const count = (value: number, unit: string, doc: string): KeyDecl => int(value, 0, 2 ** 40, unit, doc)

const NO_DRIVER = 'one eBPF engine, loaded at start'
const NO_GRPC = 'gone from Falco as well; http_output, or outputs with type http or otlp'
const REPLAY = "captures are replayed with 'tarsier replay FILE'"
const LOGS = 'messages of the agent go to standard error, where a service manager takes them to syslog'
const ATTACHED = 'what is attached follows from the rules; the process table has programs of its own'

/** Groups that a key `enabled` switches: reported as a whole, and only when they are on. */
export const SWITCHED: ReadonlySet<string> = new Set(['grpc', 'grpc_output'])

/** Older spellings of keys. */
export const ALIASES: Readonly<Record<string, KeyName>> = {
  rules_file: 'rules_files',
  rule_files: 'rules_files',
}

export const FALCO_KEYS: Readonly<Record<string, FalcoKey>> = {
  'engine.kmod.drop_failed_exit': unserved(
    bool(false, 'failed calls are judged; evt.failed tells them apart'),
  ),
  'engine.modern_ebpf.drop_failed_exit': unserved(
    bool(false, 'failed calls are judged; evt.failed tells them apart'),
  ),
  'engine.modern_ebpf.cpus_for_each_buffer': {
    decl: int(2, 0, 65_536, 'CPUs', 'all CPUs share two rings: kernel.ring_bytes.critical and .bulk'),
    fine: [0, 1, 2],
  },
  'engine.modern_ebpf.disable_iterators': unserved(
    bool(false, 'the process table is read with an iterator where the kernel has them, else from /proc'),
  ),
  'engine.replay.capture_file': unserved(text('', REPLAY)),
  'engine.ebpf': missing(anything(`gone from Falco as well; ${NO_DRIVER}`)),
  'engine.gvisor': missing(anything('gone from Falco as well; no events of gVisor')),
  load_plugins: {
    decl: list([], 'sources and fields are built in; a rule of a source that is not there is warned about'),
    fine: [[], ['container']],
  },
  plugins: moot(anything('no plugins are loaded; load_plugins is reported where it names any but container')),
  plugins_hostinfo: moot(bool(true, 'there are no plugins to tell')),
  buffered_outputs: unserved(bool(false, 'every alert is written at once')),
  'outputs_queue.capacity': unserved(
    count(0, 'alerts', 'each output has a queue of 64 MiB; what does not fit is counted as lost'),
  ),
  'webserver.threadiness': moot(count(0, 'threads', 'one thread serves everything')),
  log_stderr: unserved(bool(true, 'messages always go to standard error; -q leaves errors alone')),
  log_syslog: unserved(bool(false, LOGS)),
  'libs_logger.enabled': moot(bool(false, 'there are no libraries with a log of their own')),
  'libs_logger.severity': moot(text('info', 'there are no libraries with a log of their own')),
  output_timeout: unserved(
    count(2000, 'ms', 'no output can block another: each has a queue, and what does not fit is counted'),
  ),
  'syscall_event_timeouts.max_consecutives': unserved(
    count(1000, 'timeouts', 'a quiet kernel is not an error; health records say that the agent is alive'),
  ),
  'metrics.libbpf_stats_enabled': moot(bool(true, 'the kernel is not asked to measure BPF programs')),
  'metrics.plugins_metrics_enabled': moot(bool(true, 'there are no plugins')),
  'metrics.kernel_iter_event_counters_enabled': moot(bool(true, 'the iterator runs once, at start')),
  'metrics.jemalloc_stats_enabled': moot(bool(false, 'there is no jemalloc')),
  'base_syscalls.custom_set': unserved(list([], ATTACHED)),
  'base_syscalls.repair': moot(bool(false, ATTACHED)),
  'base_syscalls.all': unserved(bool(false, ATTACHED)),
  'falco_libs.thread_table_size': {
    decl: int(262_144, 1, 2 ** 31, 'threads', 'limits.max_processes, which counts processes'),
    fine: 'all',
    sets: {
      key: 'limits.max_processes',
      convert: (value) => Math.min(Math.max(Number(value), 1024), 4_194_304),
    },
  },
  'falco_libs.thread_table_auto_purging_interval_s': unserved(
    count(300, 's', 'processes are forgotten when they end, and the oldest beyond limits.max_processes'),
  ),
  'falco_libs.thread_table_auto_purging_thread_timeout_s': unserved(
    count(300, 's', 'processes are forgotten when they end, and the oldest beyond limits.max_processes'),
  ),
  'falco_libs.snaplen': unserved(
    int(
      80,
      0,
      65_535,
      'bytes',
      'how much of a buffer is kept is fixed for each event: tarsier events show NAME',
    ),
  ),
  // Keys of earlier versions.
  'grpc.enabled': unserved(bool(false, NO_GRPC)),
  'grpc.bind_address': moot(text('', NO_GRPC)),
  'grpc.threadiness': moot(count(0, 'threads', NO_GRPC)),
  'grpc.private_key': moot(text('', NO_GRPC)),
  'grpc.cert_chain': moot(text('', NO_GRPC)),
  'grpc.root_certs': moot(text('', NO_GRPC)),
  'grpc_output.enabled': unserved(bool(false, NO_GRPC)),
  'modern_bpf.cpus_for_each_syscall_buffer': moot(
    int(2, 0, 65_536, 'CPUs', 'all CPUs share two rings: kernel.ring_bytes.critical and .bulk'),
  ),
  syscall_buf_size_preset: unserved(int(4, 1, 10, 'preset', 'engine.modern_ebpf.buf_size_preset')),
  syscall_drop_failed_exit: unserved(bool(false, 'failed calls are judged; evt.failed tells them apart')),
  'outputs.rate': unserved(number(0, 0, 1e9, 'throttle.alerts and throttle.interval, by rule')),
  'outputs.max_burst': moot(count(1000, 'alerts', 'throttle.alerts')),
  container_engines: moot(anything('runtimes are recognised by their cgroups')),
  metadata_download: moot(anything('no metadata is downloaded')),
}

/** Variables of the environment that users of Falco set. */
export const FALCO_VARIABLES = {
  HOST_ROOT:
    'where the files of the host begin (`/host`), for an agent in a container: users, groups, /proc, /etc/hosts and sockets of container runtimes are below it',
  FALCO_HOSTNAME:
    'name of this host in alerts; else that of /etc/hostname below HOST_ROOT, or of this container',
  FALCO_CGROUP_MEM_PATH: 'file with the memory that the container of the agent uses, for metrics',
} as const

/** Every top-level key of falco.yaml beyond those of ours. */
const TOP: ReadonlySet<string> = new Set(
  [...Object.keys(FALCO_KEYS), ...Object.keys(ALIASES), 'config_files']
    .map((name) => name.split('.')[0]!)
    // A list of ours under the name of a group that Falco had once.
    .filter((name) => name !== 'outputs'),
)

/** Top-level keys that Falco has and we have, too; everything else of ours begins with a stage. */
const SHARED: ReadonlySet<string> = new Set([
  'rules_files',
  'rules',
  'engine',
  'time_format_iso_8601',
  'buffer_format_base64',
  'priority',
  'json_output',
  'json_include_output_property',
  'json_include_message_property',
  'json_include_output_fields_property',
  'json_include_tags_property',
  'rule_matching',
  'append_output',
  'static_fields',
  'capture',
  'stdout_output',
  'file_output',
  'syslog_output',
  'program_output',
  'http_output',
  'log_level',
  'syscall_event_drops',
  'metrics',
  'webserver',
])

/** Is this a key of falco.yaml? `name` stands at the top of the file. */
export function isFalcoKey(name: string): boolean {
  const [top = ''] = name.split('.')
  return TOP.has(top) || SHARED.has(top)
}
