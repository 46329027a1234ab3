/** Configuration keys: what each means, its unit, bounds and default. One table; parsing, help and docs read it. */
import { PRIORITIES } from '../rules/ir.ts'
import { bool, bytes, choice, int, type KeyDecl, list, paths, some, text, type ValueOf } from './key-types.ts'

export type { KeyDecl, KeyValue } from './key-types.ts'

/** Most bytes of a ring: it is mapped twice in a row, and the whole must be less than 2 GiB. */
const RING_MAX = 1 << 29

/** Falco's keys have Falco's names; ours have a dot and their stage in front. */
export const KEYS = {
  json_output: bool(false, 'alerts as JSON, one object per line'),
  json_include_output_property: bool(true, 'JSON: the whole line as `output`'),
  json_include_message_property: bool(false, 'JSON: the message without time and priority as `message`'),
  json_include_output_fields_property: bool(true, 'JSON: the values of the message as `output_fields`'),
  json_include_tags_property: bool(true, 'JSON: the tags of the rule as `tags`'),
  time_format_iso_8601: bool(false, 'times in text as ISO 8601 in UTC instead of local time of day'),
  priority: choice(
    PRIORITIES.map((p) => p.toLowerCase()),
    'debug',
    'least severe priority of the rules to load',
  ),
  rule_matching: choice(
    ['first', 'all'],
    'first',
    'report the first rule that matches an event, or all of them',
  ),
  rules_files: list(
    [],
    'rule files and directories, relative ones from the directory of the configuration; none means the rules that are shipped; -r replaces them',
  ),
  'stdout_output.enabled': bool(true, 'alerts to standard output'),
  'file_output.enabled': bool(false, 'alerts to a file'),
  'file_output.filename': text('', 'file for alerts, appended to, mode 0600'),
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
  log_level: choice(
    ['trace', 'debug', 'info', 'warning', 'error'],
    'info',
    'messages on standard error from this level on; --log-level, -v and -q come first',
  ),
  'agent.id': text('', 'name of this agent in its log'),
  'agent.mode': choice(
    ['monitor', 'detect'],
    'detect',
    'monitor: telemetry with annotations, no alerts; detect: alerts as well',
  ),
  'agent.lock_file': text('/run/tarsier/agent.lock', 'held while the agent runs: one agent per host'),
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
    'names asked for on port 53, read from the first bytes sent there; not collected yet',
  ),
  'telemetry.collect_payload': bool(
    false,
    'first bytes sent on a connection in the record of the connection; not collected yet',
  ),
  'telemetry.payload_bytes': int(64, 1, 4096, 'bytes', 'how much telemetry.collect_payload takes'),
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
    'time in which every file of the agent is hashed again; changes that the kernel announces are looked at at once',
  ),
  'kernel.objects': text(
    '',
    'directory of the compiled BPF objects, or one file in it; empty is the directory that is shipped',
  ),
  'kernel.ring_bytes.critical': bytes(
    1 << 20,
    4096,
    RING_MAX,
    'ring for process events in bytes, a power of two; it counts twice in resident memory',
  ),
  'kernel.ring_bytes.bulk': bytes(
    4 << 20,
    4096,
    RING_MAX,
    'ring for file and network events in bytes, a power of two; it counts twice in resident memory',
  ),
  'kernel.env': choice(
    ['auto', 'on', 'off'],
    'auto',
    'capture environments at exec; auto does so when a rule or telemetry.collect_env reads one',
  ),
} as const satisfies Record<string, KeyDecl>

export type KeyName = keyof typeof KEYS
export type Config = { readonly [K in KeyName]: ValueOf<(typeof KEYS)[K]> }

export const isKeyName = (name: string): name is KeyName => Object.hasOwn(KEYS, name)

/** A setting that cannot be taken: names key, value and what would do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}
