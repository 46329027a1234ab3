/**
 * What a telemetry record is made of: columns with name, meaning, JSON type and how to get them. A record type is a list
 * of columns; the line, the JSON Schema and the documentation follow from it.
 */
import { AF_INET, AF_INET6, AF_UNIX, errnoName } from '../../schema/enums/index.ts'
import type { FamilyDecl, FieldDecl } from '../../schema/index.ts'
import { slotOf } from '../decode/event-view.ts'
import type { Alert } from '../detect/alert.ts'
import type { Endpoint, ProcessInfo, SyscallContext } from '../fields/context.ts'
import { answersOf, dnsMessage, responseCode } from '../fields/dns/dns.ts'
import { rawResult } from '../fields/evt/result.ts'
import { tuple } from '../fields/fd/descriptor.ts'
import { transport } from '../fields/fd/socket.ts'
import { Ip, parseIp } from '../fields/ip.ts'
import { type PathFields, pathOf } from '../fields/paths.ts'
import { ancestorsOf } from '../fields/syscall-field.ts'
import { splitVector } from '../fields/vector.ts'
import * as json from '../outputs/json-schema.ts'
import { maskArguments, maskEnvironment } from '../outputs/masking.ts'
import type { CompiledRule } from '../rules/ir.ts'
import { detectionName, isDetection } from './rule-facts.ts'
import { exactTime, type TextCache, type TimeText } from './text.ts'

/** A rule that matched the event, and the alert it raised unless alerts are off. */
export interface Finding {
  readonly rule: CompiledRule<SyscallContext>
  readonly alert: Alert
}

/** What a record is written from; one object, refilled for each event. */
export interface Row {
  readonly ctx: SyscallContext
  readonly findings: readonly Finding[]
}

/** What writers share. */
export interface Texts {
  readonly cache: TextCache
  readonly time: TimeText
  readonly host: string
  /** Hide secrets in arguments and environments. */
  readonly mask: boolean
  /** Alerts are records of their own, whose ids may be named. */
  readonly alertRecords: boolean
}

interface ColumnBase {
  readonly name: string
  readonly schema: json.JsonSchema
  /** True: left out of records that have nothing to say. */
  readonly optional?: true
}
/** Depends on the event. `write` gives `,"name":value`, or nothing for an optional column. */
export interface RowColumn extends ColumnBase {
  readonly of: 'row'
  write(row: Row, texts: Texts): string
}
/** Depends on the process alone, so that its text is kept for the next event. */
export interface ProcessColumn extends ColumnBase {
  readonly of: 'process'
  write(process: ProcessInfo | undefined, texts: Texts): string
}
export type Column = RowColumn | ProcessColumn

const row = (
  name: string,
  schema: json.JsonSchema,
  write: RowColumn['write'],
  optional = false,
): RowColumn => ({
  of: 'row',
  name,
  schema,
  write,
  ...(optional ? { optional: true } : {}),
})
const ofProcess = (
  name: string,
  schema: json.JsonSchema,
  write: ProcessColumn['write'],
  optional = false,
): ProcessColumn => ({ of: 'process', name, schema, write, ...(optional ? { optional: true } : {}) })

const pair = (name: string, value: string | number): string => `,"${name}":${value}`
const textPair = (name: string, text: string | undefined, { cache }: Texts): string =>
  text === undefined ? `,"${name}":null` : cache.pair(name, text)

/** A number of the record under a name; 64-bit values exactly. */
export function fromSlot(family: FamilyDecl, field: string, name = field, doc?: string): RowColumn {
  const slot = slotOf(family, field)
  if (slot === undefined) throw new RangeError(`family ${family.name} has no field '${field}'`)
  const description = doc ?? describe(slot.decl)
  const wide = slot.size === 8
  return row(name, json.int(description), ({ ctx: { event } }) => {
    const value = event.numberAt(slot)
    return pair(name, wide && !Number.isSafeInteger(value) ? String(event.bigint(field)) : value)
  })
}

const describe = ({ doc, names }: FieldDecl): string => (names === undefined ? doc : `${doc}, as a number`)

/** A text of the record under a name; null when the record does not carry it. */
export const fromText = (field: string, name: string, doc: string): RowColumn =>
  row(name, json.orNull(json.text(doc)), ({ ctx }, texts) =>
    textPair(name, ctx.event.string(field)?.text, texts),
  )

/** Was one of these texts longer than what is kept? */
export const truncated = (...fields: readonly string[]): RowColumn =>
  row('filename_truncated', json.bool('a name was longer than what is kept of it'), ({ ctx: { event } }) =>
    pair('filename_truncated', String(fields.some((field) => event.cutFrom(field) !== undefined))),
  )

/** The absolute, cleaned path as accessed. */
export const accessedPath = (fields: PathFields, name: string, doc: string): RowColumn =>
  row(name, json.orNull(json.text(doc)), ({ ctx }, texts) =>
    textPair(name, pathOf(ctx, fields).accessed?.text, texts),
  )

/** The kernel's spelling of a path. */
export const resolvedPath = (fields: PathFields): RowColumn =>
  row(
    'resolved_path',
    json.orNull(json.text('path as the kernel resolved it; null when the call failed or the file has none')),
    ({ ctx }, texts) => textPair('resolved_path', pathOf(ctx, fields).resolved?.text, texts),
  )

/* Who */

export const TIMESTAMP = row(
  'timestamp_ns',
  json.count('CLOCK_MONOTONIC when it happened, ns'),
  ({ ctx: { event } }) => `,"timestamp_ns":${exactTime(event.time, () => event.timeNs)}`,
)
export const PID = row('pid', json.count('process id, initial namespace'), ({ ctx }) =>
  pair('pid', ctx.event.pid),
)
export const TID = row('tid', json.count('thread id, initial namespace'), ({ ctx }) =>
  pair('tid', ctx.event.tid),
)
export const UID = row('uid', json.count('effective user id'), ({ ctx }) => pair('uid', ctx.event.uid))
export const PPID = ofProcess(
  'ppid',
  json.orNull(json.count('process id of the parent; null when the process is unknown')),
  (process) => `,"ppid":${process?.ppid ?? null}`,
)
export const GID = ofProcess(
  'gid',
  json.orNull(json.count('group id; null when the process is unknown')),
  (process) => `,"gid":${process?.gid ?? null}`,
)
export const COMM = ofProcess(
  'comm',
  json.orNull(json.text('name of the process; null when it is unknown')),
  (process, texts) => textPair('comm', process?.comm.text, texts),
)
export const EXE_PATH = ofProcess(
  'exe_path',
  json.orNull(json.text('executable as the kernel resolved it; null when unknown or a kernel thread')),
  (process, texts) => textPair('exe_path', process?.exePath.text || undefined, texts),
)

/** Arguments shown in full, as of a process that starts. */
export const ARGV = ofProcess(
  'argv',
  json.list(json.text('an argument'), 'arguments of the process, argv[0] first; secrets masked'),
  (process, texts) => texts.cache.list('argv', shownArguments(process?.argv ?? [], texts)),
  true,
)
const shownArguments = (argv: readonly string[], { mask }: Texts): readonly string[] =>
  mask ? maskArguments(argv) : argv

/** Most characters of arguments in records of files and the network, which repeat them. */
const SHORT_ARGV_MAX = 1024
export const ARGV_SHORT = ofProcess(
  'argv',
  json.list(json.text('an argument'), 'arguments of the process, the first 1,024 characters; secrets masked'),
  (process, texts) => {
    const argv = shownArguments(process?.argv ?? [], texts)
    const kept = shorten(argv)
    return texts.cache.list('argv', kept) + (kept === argv ? '' : ',"argv_truncated":true')
  },
  true,
)
export const ARGV_TRUNCATED = ofProcess(
  'argv_truncated',
  json.bool('true: there are more arguments; process_start has them'),
  () => '',
  true,
)

function shorten(argv: readonly string[]): readonly string[] {
  let room = SHORT_ARGV_MAX
  for (const [i, word] of argv.entries()) {
    if (word.length > room) return [...argv.slice(0, i), word.slice(0, room)]
    room -= word.length
  }
  return argv
}

export const ARGV_CUT = ofProcess(
  'argv_truncated',
  json.bool('true: there are more arguments than are kept'),
  (process) => (process?.argvCutFrom === undefined ? '' : ',"argv_truncated":true'),
  true,
)
export const CWD = ofProcess(
  'cwd',
  json.orNull(json.text('current directory of the process when it started its program')),
  (process, texts) => textPair('cwd', process?.cwd.text || undefined, texts),
  true,
)
export const CONTAINER = ofProcess(
  'container_id',
  json.orNull(json.text('first 12 characters of the container id; null on the host')),
  (process, texts) => textPair('container_id', process?.containerId, texts),
)

/** Ancestors shown: nearest first. */
const ANCESTORS_MAX = 8
export const ANCESTORS = ofProcess(
  'ancestors',
  json.list(
    json.record({
      pid: json.count('process id'),
      comm: json.text('name'),
      exe_path: json.orNull(json.text('executable')),
    }),
    `parent, its parent and so on, at most ${ANCESTORS_MAX}`,
  ),
  (process, texts) => {
    const shown = ancestorsOf(process)
      .slice(0, ANCESTORS_MAX)
      .map(
        ({ pid, comm, exePath }) =>
          `{"pid":${pid}${texts.cache.pair('comm', comm.text)}${textPair('exe_path', exePath.text || undefined, texts)}}`,
      )
    return `,"ancestors":[${shown.join(',')}]`
  },
)
export const ENV = row(
  'env',
  json.list(json.text('NAME=value'), 'environment of the program; secrets masked'),
  ({ ctx }, { cache, mask }) => {
    const bytes = ctx.event.bytes('env')
    if (bytes === undefined) return ''
    const env = splitVector(bytes)
    return cache.list('env', mask ? maskEnvironment(env) : env)
  },
  true,
)

export const SOURCE = row(
  'source',
  json.oneOfTexts(['execve', 'execveat'], 'the call that started it'),
  ({ ctx }) => `,"source":"${ctx.event.name}"`,
)
/** The record tells of the last thread, so always true. */
export const GROUP_DEAD = row(
  'group_dead',
  json.bool('no thread of the process is left: always true, the end of other threads is not reported'),
  () => ',"group_dead":true',
)

/** Parent and child of a fork. The child starts as a copy of its parent, so both have one name. */
export const RELATIONSHIP: readonly Column[] = [
  row('parent_pid', json.count('process that made the other'), ({ ctx }) =>
    pair('parent_pid', ctx.event.pid),
  ),
  ofProcess(
    'parent_comm',
    json.orNull(json.text('name of the parent; null when it is unknown')),
    (process, texts) => textPair('parent_comm', process?.comm.text, texts),
  ),
  row('child_pid', json.count('the new process'), ({ ctx: { event } }) =>
    pair('child_pid', event.number('child_pid')!),
  ),
  row('child_tid', json.count('its first thread'), ({ ctx: { event } }) =>
    pair('child_tid', event.number('child_pid')!),
  ),
  row(
    'child_comm',
    json.orNull(json.text('name of the child: that of the thread that forked')),
    ({ ctx: { event, process } }, texts) =>
      textPair('child_comm', (event.string('comm') ?? process?.comm)?.text, texts),
  ),
]

/* When, where, how it went */

export const TIME = row(
  'time',
  json.time('wall clock, RFC 3339 in UTC with ns'),
  ({ ctx: { event } }, { time }) => `,"time":"${time.wall(event.time, () => event.timeNs)}"`,
)
/** The same for all records, so it goes with the text that is kept. */
export const HOST = ofProcess('host', json.text('name of the host'), (_process, { cache, host }) =>
  cache.pair('host', host),
)
export const RESULT = row(
  'result',
  json.orNull(
    json.int('return value of the call, a negative errno when it failed; null for what is no call'),
  ),
  ({ ctx }) => `,"result":${rawResult(ctx) ?? null}`,
)
export const ERROR = row(
  'error',
  json.orNull(json.text('name of the error; null when the call worked')),
  ({ ctx }) => {
    const result = rawResult(ctx) ?? 0
    return result < 0 ? `,"error":"${errnoName(result) ?? -result}"` : ',"error":null'
  },
)

const ACCESS = ['read', 'write', 'read_write', 'none'] as const
const O_PATH = 0o10000000
/** How an open wants the file; everything else that touches files changes them. */
export const ACCESS_OF_OPEN = row(
  'access',
  json.oneOfTexts(ACCESS, 'what the file was opened for, or done to it'),
  ({ ctx: { event } }) => {
    const flags = event.number('flags')!
    if ((flags & O_PATH) !== 0) return ',"access":"none"'
    return `,"access":"${ACCESS[flags & 3] ?? 'none'}"`
  },
)
export const ACCESS_WRITE = row(
  'access',
  json.oneOfTexts(ACCESS, 'what the file was opened for, or done to it'),
  () => ',"access":"write"',
)

/* Network */

const FAMILY = ['ipv4', 'ipv6', 'unix', 'unknown'] as const
const FAMILY_NAMES: ReadonlyMap<number, (typeof FAMILY)[number]> = new Map([
  [AF_INET, 'ipv4'],
  [AF_INET6, 'ipv6'],
  [AF_UNIX, 'unix'],
])
export const familyName = ({ event }: SyscallContext): string =>
  FAMILY_NAMES.get(event.number('family') || event.number('addr_family') || 0) ?? 'unknown'
/** Family of the socket; when there is no socket that of the address given. */
export const SOCKET_FAMILY = row(
  'family',
  json.oneOfTexts(FAMILY, 'address family of the socket'),
  ({ ctx }) => `,"family":"${familyName(ctx)}"`,
)

/** The address the caller passed, which is all there is when the call failed. */
function passedEnd({ event }: SyscallContext): Endpoint | undefined {
  const family = event.number('addr_family')
  if (family !== AF_INET && family !== AF_INET6) return undefined
  const ip = event.ip('addr_ip')
  return { ip: ip === undefined ? UNSPECIFIED[family]! : new Ip(ip), port: event.number('addr_port')! }
}
const UNSPECIFIED: Readonly<Record<number, Ip>> = {
  [AF_INET]: parseIp('0.0.0.0')!,
  [AF_INET6]: parseIp('::')!,
}

/** Remote end for connect and accept, local end for bind and listen. */
export function endOf(ctx: SyscallContext, side: 'remote' | 'local'): Endpoint | undefined {
  const end = tuple(ctx)?.[side]
  if (end !== undefined) return end
  const { name } = ctx.event
  return (name === 'connect' && side === 'remote') || (name === 'bind' && side === 'local')
    ? passedEnd(ctx)
    : undefined
}

/** One end of a socket: address and port, null when there is none. */
export const endpoint = (side: 'remote' | 'local'): readonly RowColumn[] => [
  row(`${side}_addr`, json.orNull(json.text(`${side} address; null when there is none`)), ({ ctx }) => {
    const end = endOf(ctx, side)
    return `,"${side}_addr":${end === undefined ? null : `"${end.ip.text}"`}`
  }),
  row(
    `${side}_port`,
    json.orNull(json.count(`${side} port; null when there is none`)),
    ({ ctx }) => `,"${side}_port":${endOf(ctx, side)?.port ?? null}`,
  ),
]

export const UNIX_PATH = row(
  'unix_path',
  json.text('name of the unix socket; an abstract one starts with @'),
  ({ ctx: { event } }, { cache }) => {
    const path = event.string('unix_path') ?? event.string('addr_path')
    return path === undefined ? '' : cache.pair('unix_path', path.text)
  },
  true,
)

export const TRANSPORT = row(
  'protocol',
  json.orNull(json.oneOfTexts(['tcp', 'udp'], 'transport; null for another one')),
  ({ ctx }, texts) => textPair('protocol', transport(ctx), texts),
)

/** The bytes themselves, which are text only by chance. */
export const PAYLOAD = row(
  'payload_b64',
  json.text('the data in base64, its first `telemetry.payload_bytes` bytes'),
  ({ ctx: { event } }) =>
    pair('payload_b64', `"${Buffer.from(event.bytes('payload') ?? []).toString('base64')}"`),
)

/** What a DNS message says; nulls where the bytes were none. */
export const DNS: readonly RowColumn[] = [
  row('dns_type', json.oneOfTexts(['query', 'answer'], 'which way it goes'), ({ ctx }) =>
    pair('dns_type', ctx.event.name === 'net_packet_dns_request' ? '"query"' : '"answer"'),
  ),
  row('dns_id', json.orNull(json.count('id that an answer shares with its request')), ({ ctx }) =>
    pair('dns_id', String(dnsMessage(ctx)?.id ?? null)),
  ),
  row('dns_question', json.orNull(json.text('name that is asked for')), ({ ctx }, texts) =>
    textPair('dns_question', dnsMessage(ctx)?.question?.name, texts),
  ),
  row('dns_question_type', json.orNull(json.text('type that is asked for, such as AAAA')), ({ ctx }, texts) =>
    textPair('dns_question_type', dnsMessage(ctx)?.question?.type, texts),
  ),
  row('dns_response_code', json.orNull(json.text('such as NXDOMAIN; null in requests')), ({ ctx }, texts) =>
    textPair('dns_response_code', responseCode(dnsMessage(ctx)), texts),
  ),
  row(
    'dns_answers',
    json.list(json.text('an address or a name'), 'addresses and names that are answered, at most 64'),
    ({ ctx }) => {
      const message = dnsMessage(ctx)
      return pair('dns_answers', JSON.stringify(message === undefined ? [] : answersOf(message)))
    },
  ),
]

/* What rules say */

export const ALERT = row('alert', json.bool('a rule or detection matched'), ({ findings }) =>
  findings.length > 0 ? ',"alert":true' : ',"alert":false',
)
export const DETECTION_TYPE = row(
  'detection_type',
  json.orNull(json.text('the detection that matched, or the rule when no detection did; null without one')),
  ({ findings }, { cache }) => {
    if (findings.length === 0) return ',"detection_type":null'
    const found = findings.find(({ rule }) => isDetection(rule)) ?? findings[0]!
    return cache.pair('detection_type', detectionName(found.rule))
  },
)
export const ALERT_IDS = row(
  'alert_ids',
  json.list(json.text('id of an alert record'), 'alerts that this event raised'),
  ({ findings }, { alertRecords }) => {
    if (findings.length === 0 || !alertRecords) return ''
    const ids = findings.filter(({ rule }) => !isDetection(rule)).map(({ alert }) => `"${alert.id}"`)
    return ids.length === 0 ? '' : `,"alert_ids":[${ids.join(',')}]`
  },
  true,
)
