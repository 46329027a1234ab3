/** Configuration keys: what each means, its unit, bounds and default. One table; parsing, help and docs read it. */
import { ARGS_BYTES, PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { PRIORITIES } from '../rules/ir.ts'
import {
  bool,
  bytes,
  choice,
  int,
  type KeyDecl,
  list,
  named,
  number,
  paths,
  some,
  structure,
  text,
  type ValueOf,
  words,
} from './key-types.ts'
import { OUTPUT_WANTED, type OutputEntry, readOutputs } from './output-entries.ts'
import { readAppendOutput, readStaticFields } from './output-shape.ts'
import { readRuleSelections } from './rule-selection.ts'

export { ConfigError, type KeyDecl, type KeyValue } from './key-types.ts'

/** Most bytes of a ring: it is mapped twice in a row, and the whole must be less than 2 GiB. */
const RING_MAX = 1 << 29

const PRESET =
  'size of kernel.ring_bytes.bulk where that is not given, if engine.kind says so: 1 to 10 stand for 1 MiB, doubled with each step; 0 does not say'

/** Falco's keys have Falco's names; ours have a dot and their stage in front. */
export const KEYS = {
  json_output: bool(false, 'alerts as JSON, one object per line'),
  json_include_output_property: bool(true, 'JSON: the whole line as `output`'),
  json_include_message_property: bool(false, 'JSON: the message without time and priority as `message`'),
  json_include_output_fields_property: bool(true, 'JSON: the values of the message as `output_fields`'),
  json_include_tags_property: bool(true, 'JSON: the tags of the rule as `tags`'),
  time_format_iso_8601: bool(false, 'times in text as ISO 8601 in UTC instead of local time of day'),
  buffer_format_base64: bool(false, 'data of calls (evt.buffer) in Base64 instead of escaped text'),
  append_output: structure(
    [],
    'a list of entries with match, extra_output, extra_fields and suggested_output, as in falco.yaml',
    readAppendOutput,
    'what to add to the alerts of rules, those of a source, with tags, or one by name',
  ),
  static_fields: structure(
    {},
    'a map of names to texts',
    readStaticFields,
    'fixed values that rules and outputs see as static.NAME',
  ),
  compat: choice(
    ['none', 'falco'],
    'none',
    "falco: where Falco's value is wrong or narrower than the truth, give Falco's (docs/compat-falco.md)",
  ),
  priority: choice(
    PRIORITIES.map((p) => p.toLowerCase()),
    'debug',
    'least severe priority of the rules to load',
    { info: 'informational' },
  ),
  rule_matching: choice(
    ['first', 'all'],
    'first',
    'report the first rule that matches an event, or all of them',
  ),
  'syscall_event_drops.threshold': number(
    0.1,
    0,
    1,
    'share of the events of a second that may be lost before syscall_event_drops.actions are taken',
  ),
  'syscall_event_drops.actions': words(
    ['ignore', 'log', 'alert', 'exit'],
    [],
    "what to do when more events were lost, beside the alert that every loss has: log a message, raise Falco's alert, end the agent with an error, or nothing",
  ),
  'syscall_event_drops.rate': number(
    0.03333,
    0,
    1_000_000,
    'log messages and alerts about lost events per second, in the long run',
  ),
  'syscall_event_drops.max_burst': int(
    1,
    0,
    1_000_000,
    'messages',
    'log messages and alerts about lost events that may come at once',
  ),
  'syscall_event_drops.simulate_drops': bool(
    false,
    'act as if events were lost in every second, to try what follows',
  ),
  'metrics.enabled': bool(false, "Falco's metrics, as an alert or in a file, every metrics.interval"),
  'metrics.interval': text('1h', 'time between two snapshots, such as 15m; at least 100ms'),
  'metrics.output_rule': bool(true, "a snapshot as an alert of the rule 'Falco internal: metrics snapshot'"),
  'metrics.output_file': text('', 'a snapshot as a line of JSON appended to this file'),
  'metrics.rules_counters_enabled': bool(true, 'metrics: alerts by rule'),
  'metrics.resource_utilization_enabled': bool(true, 'metrics: CPU and memory of the agent and the host'),
  'metrics.state_counters_enabled': bool(true, 'metrics: the process table'),
  'metrics.kernel_event_counters_enabled': bool(true, 'metrics: events and losses of the kernel side'),
  'metrics.kernel_event_counters_per_cpu_enabled': bool(
    false,
    'metrics: events and losses of each CPU; implies metrics.kernel_event_counters_enabled',
  ),
  'metrics.convert_memory_to_mb': bool(true, 'metrics: memory in MB instead of KB and bytes'),
  'metrics.include_empty_values': bool(false, 'metrics: counters that are 0 as well'),
  'webserver.enabled': bool(false, 'serve /metrics, /versions and the health page over HTTP'),
  'webserver.listen_address': text('127.0.0.1', 'address of this host to listen on; 0.0.0.0 is all of them'),
  'webserver.listen_port': int(8765, 0, 65_535, 'port', 'port to listen on; 0 lets the kernel choose'),
  'webserver.k8s_healthz_endpoint': text('/healthz', 'path of the page that says that the agent lives'),
  'webserver.prometheus_metrics_enabled': bool(
    true,
    'serve /metrics: our names, and those under which Falco and Tracee publish the same',
  ),
  'webserver.ssl_enabled': bool(false, 'serve HTTPS instead'),
  'webserver.ssl_certificate': text('', 'PEM file with certificate and key, for webserver.ssl_enabled'),
  watch_config_files: bool(
    true,
    'read configuration and rules again when one of their files has changed, as SIGHUP does: what is not valid changes nothing',
  ),
  rules_files: list(
    [],
    'rule files and directories, relative ones from the directory of the configuration; none means the rules that are shipped; -r replaces them',
  ),
  rules: structure(
    [],
    'a list of enable and disable, each with rule (a name, * stands for any text) or tag',
    readRuleSelections,
    'rules to switch on and off after all files are loaded, whatever the files say; the last entry that names a rule decides; YAML and -o only, [[rules]] of TOML are rules themselves',
  ),
  'engine.kind': choice(
    ['modern_ebpf', 'kmod', 'ebpf', 'replay', 'nodriver'],
    'modern_ebpf',
    'where events come from, in words of Falco; modern_ebpf, kmod and ebpf are the same here, the others have no events',
  ),
  'engine.modern_ebpf.buf_size_preset': int(0, 0, 10, 'preset', PRESET),
  'engine.kmod.buf_size_preset': int(0, 0, 10, 'preset', PRESET),
  'stdout_output.enabled': bool(true, 'alerts to standard output'),
  'file_output.enabled': bool(false, 'alerts to a file'),
  'file_output.filename': text('', 'file for alerts, appended to, mode 0600'),
  'file_output.keep_alive': bool(
    false,
    'the file stays open, whatever becomes of its name; otherwise it is made anew once it was moved away or removed',
  ),
  'syslog_output.enabled': bool(false, 'alerts to syslog, by /dev/log'),
  'program_output.enabled': bool(false, 'alerts to a program'),
  'program_output.program': text('', 'command for /bin/sh; it reads alerts from its standard input'),
  'program_output.keep_alive': bool(
    false,
    'one program for all alerts, started again when it ends; otherwise one for each alert',
  ),
  'http_output.enabled': bool(false, 'alerts as HTTP requests, one each'),
  'http_output.url': text('', 'where to: http:// or https://'),
  'http_output.user_agent': text('falcosecurity/falco', 'User-Agent of the requests'),
  'http_output.insecure': bool(false, 'do not check who the other side is'),
  'http_output.ca_cert': text('', 'PEM file of the authority to trust instead of those of Node'),
  'http_output.ca_bundle': text('', 'the same with several in one file, where ca_cert is not given'),
  'http_output.ca_path': text(
    '/etc/ssl/certs',
    'directory of such files, where neither of them is given; those of Node where it has none',
  ),
  'http_output.mtls': bool(false, 'show http_output.client_cert to the other side'),
  'http_output.client_cert': text('/etc/ssl/certs/client.crt', 'PEM file of our certificate'),
  'http_output.client_key': text('/etc/ssl/certs/client.key', 'PEM file of its key'),
  'http_output.compress_uploads': bool(false, 'compress requests'),
  'http_output.keep_alive': bool(false, 'keep the connection between requests'),
  'http_output.echo': bool(false, 'log the beginning of what the receiver answers'),
  'http_output.max_consecutive_timeouts': int(
    5,
    0,
    1_000_000,
    'timeouts',
    'so many in a row are not logged; they are counted, and deliveries tried again all the same',
  ),
  outputs: structure<readonly OutputEntry[]>(
    [],
    OUTPUT_WANTED,
    readOutputs,
    'more outputs, beside those above: each with its own selection, format, queue and counters (below, and docs/outputs.md)',
  ),
  'throttle.alerts': int(
    0,
    0,
    1_000_000,
    'alerts',
    'alerts of a rule, and of each group within it, that go out in throttle.interval; the rest is counted and told of in one alert; critical ones and more severe ones always go out; 0 holds nothing back',
  ),
  'throttle.interval': int(60, 1, 86_400, 's', 'time that throttle.alerts is about'),
  'throttle.by': list(
    [],
    'fields whose values make groups within a rule, such as proc.exepath, as far as its alerts have them',
  ),
  'output.format': choice(
    ['auto', 'falco-text', 'falco', 'tarsier', 'rand-guard'],
    'auto',
    'shape of alerts; auto is rand-guard with a rand-guard configuration or telemetry, falco with json_output, else falco-text',
  ),
  'output.type': choice(
    ['stdout', 'file'],
    'stdout',
    'where telemetry, health records and alerts go; file stands for file_output with output.path instead of stdout_output',
  ),
  'output.mask_secrets': bool(
    true,
    'hide secrets in what goes out: values of well-known flags (--password X), of variables whose name says so (DB_PASSWORD=X), passwords in URLs, HTTP authorization; rules see the truth',
  ),
  'output.path': text('', 'file of output.type = file, appended to, mode 0600'),
  'capture.enabled': bool(
    false,
    'a rule that matches begins a capture of what happens from then on, with a little of what was before (docs/capture.md)',
  ),
  'capture.path_prefix': text(
    '/tmp/falco',
    'beginning of the path of these files; time and number of the event and .cap are added',
  ),
  'capture.mode': choice(
    ['rules', 'all_rules'],
    'rules',
    'rules that begin a capture: those with capture: true, or all',
  ),
  'capture.default_duration': int(
    5000,
    0,
    86_400_000,
    'ms',
    'how long a capture goes on after a match, where capture_duration of the rule does not say; another match prolongs it',
  ),
  'capture.max_file_size_mb': int(0, 0, 1_048_576, 'MiB', 'size at which a capture ends, 0 for any'),
  'capture.max_files': int(
    100,
    0,
    1_000_000,
    'files',
    'captures kept below capture.path_prefix, the newest; 0 for all',
  ),
  'capture.max_total_mb': int(1024, 0, 16_777_216, 'MiB', 'size of all captures kept, the newest; 0 for any'),
  'capture.prebuffer': named(
    PUBLIC_EVENT_TYPES.map(({ name }) => name),
    "names of events ('tarsier events')",
    'events to have from before the match, beside those that rules and telemetry want: the kernel sends them all',
  ),
  'capture.prebuffer_ms': int(5000, 100, 600_000, 'ms', 'how far back a capture begins before the match'),
  'capture.prebuffer_mb': int(4, 1, 1024, 'MiB', 'most memory for what was before a match'),
  log_level: choice(
    ['trace', 'debug', 'info', 'warning', 'error'],
    'info',
    'messages on standard error from this level on; --log-level, -v and -q come first',
    { emergency: 'error', alert: 'error', critical: 'error', notice: 'warning', informational: 'info' },
  ),
  'agent.id': text('', 'name of this agent in its log'),
  'agent.mode': choice(
    ['monitor', 'detect'],
    'detect',
    'monitor: telemetry with annotations, no alerts; detect: alerts as well',
  ),
  'agent.lock_file': text('/run/tarsier/agent.lock', 'held while the agent runs: one agent per host'),
  'control.enabled': bool(true, "listen for 'tarsier ctl'"),
  'control.socket': text(
    '',
    "socket for 'tarsier ctl', for root and the user of the agent alone; empty is control.sock beside agent.lock_file",
  ),
  builtin_rules: choice(
    ['auto', 'on', 'off'],
    'auto',
    'the shipped rules of rules/rand-guard; auto loads them with a rand-guard configuration',
  ),
  'telemetry.process': bool(false, 'report start, end and kinship of processes as records'),
  'telemetry.file': bool(false, 'report work on files as records'),
  'telemetry.network': bool(false, 'report connect, bind, listen and accept as records'),
  'telemetry.hooks.process': some(
    ['execve', 'execveat', 'fork', 'exit'],
    'calls to report; execve and execveat stand for process_start, fork for process_relationship',
  ),
  'telemetry.hooks.file': some(
    [
      'open',
      'creat',
      'openat',
      'openat2',
      'write',
      'writev',
      'pwrite64',
      'ftruncate',
      'copy_file_range',
      'truncate',
      'rename',
      'renameat',
      'renameat2',
      'link',
      'linkat',
      'symlink',
      'symlinkat',
      'unlink',
      'unlinkat',
      'rmdir',
    ],
    'calls to report; a name stands for its whole family of operations, so that no older or newer call slips by',
  ),
  'telemetry.hooks.network': some(
    ['connect', 'bind', 'listen'],
    'calls to report; listen stands for accept and accept4 as well',
  ),
  'telemetry.watch_paths': paths(
    [],
    'directories and files to report, by whole components and on either spelling; without watch_paths and watch_patterns all are reported',
  ),
  'telemetry.watch_patterns': list(
    [],
    'files to report by name: *.ext is an ending of the path, another * or ? makes a glob of the file name, anything else is a piece of the path',
  ),
  'telemetry.exclude_paths': paths(
    [],
    'directories and files never to report; rules judge them all the same',
  ),
  'telemetry.collect_args': bool(true, 'arguments of started processes in their records'),
  'telemetry.collect_env': bool(false, 'environment of started processes in their records'),
  'telemetry.collect_cwd': bool(true, 'current directory of started processes in their records'),
  'telemetry.collect_dns': bool(
    false,
    'DNS requests and answers on port 53 as records (network_dns), with the names asked for',
  ),
  'telemetry.collect_payload': bool(
    false,
    'the first data that a socket sends as a record (network_payload)',
  ),
  'telemetry.payload_bytes': int(64, 1, 1024, 'bytes', 'how much telemetry.collect_payload takes'),
  'limits.max_events_per_second': int(
    0,
    0,
    4_294_967_295,
    'events/s',
    'telemetry records of files and the network in one second, 0 for no limit; alerts and process records are never limited',
  ),
  'limits.drop_when_full': bool(
    true,
    'a full output drops records and counts them; false makes telemetry wait as far as queue and spool go. The kernel never waits',
  ),
  'limits.max_processes': int(
    65_536,
    1024,
    4_194_304,
    'processes',
    'most processes remembered; beyond it ended ones go first, then those unseen for longest',
  ),
  'containers.docker_sockets': paths(
    ['/run/docker.sock'],
    'sockets of Docker, asked about a container when a rule reads more of it than its id; below HOST_ROOT. Without sockets nobody is asked',
  ),
  'containers.podman_sockets': paths(
    ['/run/podman/podman.sock'],
    'sockets of Podman, of the system and of users (/run/user/UID/podman/podman.sock)',
  ),
  'containers.cri_sockets': paths(
    ['/run/containerd/containerd.sock', '/run/crio/crio.sock', '/run/k3s/containerd/containerd.sock'],
    'sockets of runtimes that serve the container runtime interface of Kubernetes: containerd, CRI-O',
  ),
  'containers.wait_ms': int(
    500,
    0,
    10_000,
    'ms',
    'longest time a finding waits for what its rule reads of a container that was just started, or of a name at the start; then it is reported with container_pending',
  ),
  'containers.timeout_ms': int(
    5000,
    10,
    60_000,
    'ms',
    'longest time a runtime may take to tell of one container',
  ),
  'names.resolve': bool(
    true,
    'look up the names that rules compare with fd.sip.name and its like; nothing else is ever looked up',
  ),
  'names.servers': list(
    [],
    'resolvers, ADDRESS or ADDRESS:PORT; none means those of /etc/resolv.conf. /etc/hosts comes first',
  ),
  'health.interval': int(10, 1, 86_400, 's', 'time between health records; there is always one at the end'),
  'integrity.enabled': bool(true, 'the agent watches over its own files, BPF objects, memory and signals'),
  'integrity.action': choice(
    ['warn', 'exit'],
    'warn',
    'what follows the alert when somebody tampers with the agent; exit ends it with code 1',
  ),
  'integrity.interval': int(
    60,
    1,
    86_400,
    's',
    'time between two looks at every file of the agent (inode, size, times), which is hashed when it looks different; changes that the kernel announces are looked at at once',
  ),
  'integrity.hash_interval': int(
    3600,
    1,
    604_800,
    's',
    'time in which every file of the agent is hashed again, whatever it looks like; that is half a second of work or so',
  ),
  'kernel.objects': text(
    '',
    'directory of the compiled BPF objects, or one file in it; empty is the directory that is shipped',
  ),
  'agent.nice': int(
    -15,
    -20,
    19,
    'steps',
    'scheduling priority of the agent, lower is more; with that of everybody else a fork bomb leaves it too little time to read the rings',
  ),
  'kernel.ring_bytes.critical': bytes(
    4 << 20,
    4096,
    RING_MAX,
    'ring for process events in bytes, a power of two; it counts in resident memory, its first 512 KiB twice',
  ),
  'kernel.ring_bytes.bulk': bytes(
    4 << 20,
    4096,
    RING_MAX,
    'ring for file and network events in bytes, a power of two; it counts in resident memory, its first 512 KiB twice',
  ),
  'kernel.env': choice(
    ['auto', 'on', 'off'],
    'auto',
    'capture environments at exec; auto does so when a rule or telemetry.collect_env reads one',
  ),
  'kernel.argv_bytes': bytes(
    ARGS_BYTES.default,
    ARGS_BYTES.min,
    ARGS_BYTES.max,
    'most bytes of the arguments of a program that its exec carries, a power of two; of longer ones the length is told. Two such records should fit kernel.ring_bytes.critical on each CPU',
  ),
  'kernel.env_bytes': bytes(
    ARGS_BYTES.default,
    ARGS_BYTES.min,
    ARGS_BYTES.max,
    'the same for the environment, where it is captured',
  ),
  'syscalls.compat': choice(
    ['off', 'auto', 'always'],
    'auto',
    'look at syscalls of 32-bit programs: never, from the first such program on, or from the start; looking costs every syscall about 25 ns',
  ),
  'syscalls.missing': choice(
    ['ignore', 'watch'],
    'ignore',
    'calls of syscalls that this kernel does not have, which fail with ENOSYS: left out, or seen at the exit of all syscalls at the price of syscalls.compat',
  ),
  'syscalls.compare_names': bool(
    false,
    'look at the names of files that calls are given when they begin, too, and flag an event whose name was another one then (name_changed): costs about 0.7 µs for each call with a name that somebody looks at. Not of 32-bit calls',
  ),
  'kernel.guards': bool(
    true,
    'pass over in the kernel what no rule, watch list or other consumer can want; false sends every event to user space',
  ),
  'kernel.throttle': int(
    0,
    0,
    4_294_967_295,
    'events',
    'most events of one cgroup within a second that reach user space, the life of processes and their credentials apart; more are counted, and told when it begins and ends; 0 for no limit',
  ),
  'kernel.guard_audit': int(
    1024,
    0,
    4_294_967_295,
    'events',
    'of so many events that guards pass over on a CPU, one is judged all the same, to see that nothing is missed; 0 for none',
  ),
} as const satisfies Record<string, KeyDecl>

export type KeyName = keyof typeof KEYS
export type Config = { readonly [K in KeyName]: ValueOf<(typeof KEYS)[K]> }

export const isKeyName = (name: string): name is KeyName => Object.hasOwn(KEYS, name)
