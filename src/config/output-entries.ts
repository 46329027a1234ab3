/** The key `outputs`: a list of places that alerts and records go to. Each type is declared here once, for reading and docs. */
import { PRIORITIES } from '../rules/ir.ts'
import {
  bool,
  ConfigError,
  choice,
  int,
  type KeyDecl,
  type KeyValue,
  list,
  type Structure,
  StructureError,
  structure,
  text,
  type ValueOf,
  words,
} from './key-types.ts'
import { mapAt, textAt } from './output-shape.ts'
import { parseValue, writtenOf } from './values.ts'

/** What an output may be given. */
export const RECORD_KINDS = ['alert', 'event', 'health', 'gap'] as const
export type RecordKind = (typeof RECORD_KINDS)[number]

const OUTPUT_FORMATS = ['auto', 'falco-text', 'falco', 'tarsier', 'rand-guard', 'template'] as const

const GIB = 2 ** 30

/** Of every output. */
const COMMON = {
  name: text(
    '',
    'in counters and messages: letters, digits, `_`, `-` and dots; the type where it is left out',
  ),
  kinds: words(RECORD_KINDS, ['alert'], 'what it is given'),
  priority: choice(
    PRIORITIES.map((priority) => priority.toLowerCase()),
    'debug',
    'alerts of this priority and above',
    { info: 'informational' },
  ),
  rules: list([], 'alerts of rules with one of these names, `*` stands for any text; none means all'),
  tags: list([], 'alerts of rules with one of these tags; none means all'),
  format: choice(OUTPUT_FORMATS, 'auto', 'shape of alerts; auto is that of output.format'),
  template: text('', "Go template for an alert's text, with format template (docs/outputs.md)"),
  queue_bytes: int(16 << 20, 1 << 16, GIB, 'bytes', 'most memory for what waits; beyond it is dropped'),
} as const

/** Of outputs that deliver to somebody who may be away. */
const DELIVERED = {
  batch: int(100, 1, 10_000, 'records', 'most records in one delivery'),
  timeout_ms: int(10_000, 10, 600_000, 'ms', 'longest time a delivery may take'),
  retry_min_ms: int(250, 1, 600_000, 'ms', 'pause after a failure; it doubles with each'),
  retry_max_ms: int(60_000, 1, 3_600_000, 'ms', 'longest pause'),
  spool: text(
    '',
    'directory where what waits is kept on disk, below it in one of the name of the output; it survives a kill of the agent',
  ),
  spool_bytes: int(
    64 << 20,
    1 << 16,
    2 ** 40,
    'bytes',
    'most room for it; what does not fit waits in memory',
  ),
  give_up_s: int(0, 0, 31_536_000, 's', 'drop a delivery that failed for so long; 0 is never'),
} as const

/** Of outputs that speak TLS. */
const TLS = {
  ca: text('', 'PEM file of the authorities to trust instead of those of Node, or a directory of such files'),
  cert: text('', 'PEM file of our certificate, where the other side asks for one'),
  key: text('', 'PEM file of its key'),
  insecure: bool(false, 'do not check who the other side is'),
} as const

const HEADERS = {
  headers: structure<Readonly<Record<string, string>>>(
    {},
    'a map of names to texts',
    readHeaders,
    'HTTP headers to send',
  ),
} as const

export const OUTPUT_TYPES = {
  file: {
    path: text('', 'file, appended to, mode 0600; made anew when it was moved away or removed'),
    rotate_bytes: int(0, 0, 2 ** 40, 'bytes', 'begin a new file when this one has so many; 0 is never'),
    rotate_s: int(0, 0, 31_536_000, 's', 'begin a new file when this one is so old; 0 is never'),
    rotate_keep: int(5, 0, 1000, 'files', 'old files to keep, as PATH.1 (the youngest), PATH.2, ...'),
  },
  syslog: {
    ...DELIVERED,
    address: text(
      '/dev/log',
      'a socket of this host, or `udp://HOST:PORT`, `tcp://HOST:PORT`, `tls://HOST:PORT`',
    ),
    facility: choice(
      [
        'kern',
        'user',
        'daemon',
        'auth',
        'authpriv',
        'local0',
        'local1',
        'local2',
        'local3',
        'local4',
        'local5',
        'local6',
        'local7',
      ],
      'user',
      'facility of the messages',
    ),
    framing: choice(
      ['octets', 'lines'],
      'octets',
      'over TCP and TLS: messages with their length in front (RFC 6587), or a line each',
    ),
    ...TLS,
  },
  program: {
    ...DELIVERED,
    program: text('', 'command for /bin/sh; it reads a line per record from its standard input'),
    keep_alive: bool(true, 'one program for all records; otherwise one for each'),
  },
  http: {
    ...DELIVERED,
    batch: int(1, 1, 10_000, 'records', 'most records in one request'),
    url: text('', '`http://` or `https://`; a name and password in it become basic authorization'),
    method: choice(['post', 'put'], 'post', 'method of the request'),
    ...HEADERS,
    content_type: text('', 'Content-Type; follows from the format where it is left out'),
    batch_as: choice(['lines', 'array'], 'lines', 'body of several records: a line each, or a JSON array'),
    user_agent: text('tarsier', 'User-Agent'),
    gzip: bool(false, 'compress the body'),
    keep_alive: bool(true, 'keep the connection between requests'),
    echo: bool(false, 'log the beginning of what the receiver answers'),
    quiet_timeouts: int(0, 0, 1_000_000, 'timeouts', 'so many in a row are not logged; they are counted'),
    ...TLS,
  },
  journald: {
    ...DELIVERED,
    address: text('/run/systemd/journal/socket', 'socket of the journal'),
  },
  otlp: {
    ...DELIVERED,
    url: text('', 'of the collector, such as `http://127.0.0.1:4318/v1/logs`'),
    ...HEADERS,
    gzip: bool(false, 'compress the body'),
    ...TLS,
  },
} as const satisfies Record<string, Readonly<Record<string, KeyDecl>>>

export type OutputType = keyof typeof OUTPUT_TYPES

type Values<T extends Readonly<Record<string, KeyDecl>>> = { readonly [K in keyof T]: ValueOf<T[K]> }
export type CommonSettings = Values<typeof COMMON>
export type DeliverySettings = Values<typeof DELIVERED>
export type TlsSettings = Values<typeof TLS>
/** An entry of one type. */
export type EntryOf<T extends OutputType> = { readonly type: T } & CommonSettings &
  Values<(typeof OUTPUT_TYPES)[T]>
export type OutputEntry = { [T in OutputType]: EntryOf<T> }[OutputType]

/** Keys without which a type has nowhere to go. */
const REQUIRED: Readonly<Partial<Record<OutputType, string>>> = {
  file: 'path',
  program: 'program',
  http: 'url',
  otlp: 'url',
}

export const OUTPUT_WANTED = `a list of entries, each with type (${Object.keys(OUTPUT_TYPES).join(', ')}) and its keys`

/** Keys of an entry of a type, all of them. */
export const entryKeys = (type: OutputType): Readonly<Record<string, KeyDecl>> => ({
  ...COMMON,
  ...OUTPUT_TYPES[type],
})
export const COMMON_KEYS: Readonly<Record<string, KeyDecl>> = COMMON

/** Nothing at all stands for no entry. */
export function readOutputs(value: Structure): readonly OutputEntry[] {
  if (value === '') return []
  if (!isList(value)) throw new StructureError('', `${OUTPUT_WANTED} is expected`)
  const entries: OutputEntry[] = []
  for (const [i, item] of value.entries()) {
    const entry = readEntry(item, `[${i}]`)
    if (entries.some(({ name }) => name === entry.name))
      throw new StructureError(
        `[${i}].name`,
        `there is another output '${entry.name}': give each a name of its own`,
      )
    entries.push(entry)
  }
  return entries
}

/** An entry of a type with what is given and the defaults of the rest; both texts and values of their own kind are taken. */
export function outputEntry<T extends OutputType>(type: T, given: Partial<EntryOf<T>>): EntryOf<T> {
  const defaults = Object.fromEntries(
    Object.entries(entryKeys(type)).map(([key, decl]) => [key, decl.default]),
  )
  return { ...defaults, name: type, ...given, type } as unknown as EntryOf<T>
}

const isList = (value: Structure): value is readonly Structure[] => Array.isArray(value)

function readEntry(value: Structure, path: string): OutputEntry {
  const types = Object.keys(OUTPUT_TYPES)
  const written =
    typeof value === 'object' && !Array.isArray(value) ? (value as { type?: Structure })['type'] : undefined
  if (written === undefined) throw new StructureError(path, `type is missing: one of ${types.join(', ')}`)
  const type = textAt(written, `${path}.type`)
  if (!Object.hasOwn(OUTPUT_TYPES, type))
    throw new StructureError(`${path}.type`, `'${type.slice(0, 100)}' is none of ${types.join(', ')}`)
  const decls = entryKeys(type as OutputType)
  const { type: _, ...parts } = mapAt(value, path, ['type', ...Object.keys(decls)])
  const given = Object.fromEntries(
    Object.entries(parts).map(([key, part]) => [key, partOf(key, decls[key]!, part, `${path}.${key}`)]),
  )
  const named = { ...given, name: (given['name'] as string) || type }
  const entry = outputEntry(type as OutputType, named as never) as unknown as OutputEntry
  checkEntry(entry, path)
  return entry
}

function partOf(key: string, decl: KeyDecl, part: Structure, path: string): KeyValue {
  try {
    return parseValue(key, decl, writtenOf(part))
  } catch (error) {
    if (error instanceof ConfigError) throw new StructureError(path, error.message)
    throw error
  }
}

function checkEntry(entry: OutputEntry, path: string): void {
  const wrong = (key: string, message: string): never => {
    throw new StructureError(`${path}.${key}`, message)
  }
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(entry.name))
    wrong('name', 'at most 64 letters, digits, _, - and dots are expected')
  const required = REQUIRED[entry.type]
  if (required !== undefined && (entry as unknown as Record<string, string>)[required] === '')
    wrong(required, 'it is missing')
  if (entry.format === 'template' && entry.template === '')
    wrong('template', 'format is template, but there is none')
  if (entry.format !== 'template' && entry.template !== '')
    wrong('template', 'it takes format template to be used')
  if ('url' in entry && !/^https?:$/.test(URL.parse(entry.url)?.protocol ?? ''))
    wrong('url', `an http:// or https:// address is expected, not '${entry.url.slice(0, 100)}'`)
  if ('ca' in entry && (entry.cert === '') !== (entry.key === '')) wrong('cert', 'cert and key go together')
  if (entry.type === 'syslog' && syslogAddress(entry.address) === undefined)
    wrong(
      'address',
      `a path or udp://, tcp:// or tls:// with host and port is expected, not '${entry.address.slice(0, 100)}'`,
    )
}

/** Where syslog messages go. */
export type SyslogAddress =
  | { readonly by: 'unix'; readonly path: string }
  | { readonly by: 'udp' | 'tcp' | 'tls'; readonly host: string; readonly port: number }

export function syslogAddress(written: string): SyslogAddress | undefined {
  if (written.startsWith('/')) return { by: 'unix', path: written }
  const match = /^(udp|tcp|tls):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(written)
  const port = Number(match?.[4])
  if (match === null || port < 1 || port > 65_535) return undefined
  return { by: match[1] as 'udp' | 'tcp' | 'tls', host: match[2] ?? match[3]!, port }
}

function readHeaders(value: Structure): Readonly<Record<string, string>> {
  if (value === '') return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw new StructureError('', 'a map of names to texts is expected')
  for (const [name, one] of Object.entries(value)) {
    const at = `.${name.slice(0, 100)}`
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new StructureError(at, 'this is not the name of a header')
    if (/[^\t\x20-\x7e\x80-\xff]/.test(textAt(one, at)))
      throw new StructureError(at, 'a header has no control characters')
  }
  return value as Readonly<Record<string, string>>
}
