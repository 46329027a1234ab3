/**
 * What a telemetry record is made of: columns with name, meaning, JSON type and how to get them. A record type is a list
 * of columns; the line, the JSON Schema and the documentation follow from it.
 */
import { AF_INET, AF_INET6, AF_UNIX, errnoName } from '../../schema/enums/index.ts'
import type { FamilyDecl, FieldDecl } from '../../schema/index.ts'
import { headerPlaces, placesOf, slotOf } from '../decode/event-view.ts'
import type { Endpoint, ProcessInfo, SyscallContext } from '../fields/context.ts'
import { answersOf, dnsMessage, responseCode } from '../fields/dns/dns.ts'
import { RESULT as RAW_RESULT, rawResult } from '../fields/evt/result.ts'
import { tuple } from '../fields/fd/descriptor.ts'
import { transport } from '../fields/fd/socket.ts'
import { Ip, parseIp } from '../fields/ip.ts'
import { type PathFields, pathOf } from '../fields/paths.ts'
import { ancestorsOf } from '../fields/syscall-field.ts'
import { splitVector } from '../fields/vector.ts'
import * as json from '../outputs/json-schema.ts'
import type { Line } from '../outputs/line.ts'
import { maskArguments, maskEnvironment } from '../outputs/masking.ts'
import {
  type Column,
  fixed,
  type NumberColumn,
  numberAt,
  ofProcess,
  ofThread,
  optional,
  type RowColumn,
  row,
  type Texts,
  usually,
} from './column.ts'
import { detectionName, isDetection } from './rule-facts.ts'
import { writeList, writeNamed, writeNull, writeStr, writeTime } from './text.ts'

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const writeNumber = (out: Line, value: number | undefined): void => {
  if (value === undefined) writeNull(out)
  else out.int(value)
}

/** A number of the record under a name; 64-bit values exactly. */
export function fromSlot(family: FamilyDecl, field: string, name = field, doc?: string): NumberColumn {
  const slot = slotOf(family, field)
  if (slot === undefined) throw new RangeError(`family ${family.name} has no field '${field}'`)
  const description = doc ?? describe(slot.decl)
  return numberAt(name, json.int(description), placesOf(field))
}

const describe = ({ doc, names }: FieldDecl): string => (names === undefined ? doc : `${doc}, as a number`)

/** A text of the record under a name; null when the record does not carry it. */
export const fromText = (field: string, name: string, doc: string): RowColumn =>
  row(name, json.orNull(json.text(doc)), (out, { ctx }) => writeStr(out, name, ctx.event.string(field)))

/** Was one of these texts longer than what is kept? */
export const truncated = (...fields: readonly string[]): RowColumn => {
  const places = fields.map(placesOf)
  return row(
    'filename_truncated',
    json.bool('a name was longer than what is kept of it'),
    (out, { ctx: { event } }) => {
      let cut = false
      for (let i = 0; i < places.length; i++) {
        const slot = event.slotAt(places[i]!)
        if (slot !== undefined && event.cutAt(slot) !== undefined) cut = true
      }
      out.raw(cut ? TRUE : FALSE)
    },
  )
}

/** A name as the caller gave it. */
export const givenName = (fields: PathFields, name: string, doc: string): RowColumn =>
  row(name, json.orNull(json.text(doc)), (out, { ctx }) => writeStr(out, name, pathOf(ctx, fields).given))

/** The absolute, cleaned path as accessed. */
export const accessedPath = (fields: PathFields, name: string, doc: string): RowColumn =>
  row(name, json.orNull(json.text(doc)), (out, { ctx }) => writeStr(out, name, pathOf(ctx, fields).accessed))

/** The kernel's spelling of a path. */
export const resolvedPath = (fields: PathFields): RowColumn =>
  row(
    'resolved_path',
    json.orNull(json.text('path as the kernel resolved it; null when the call failed or the file has none')),
    (out, { ctx }) => writeStr(out, 'resolved_path', pathOf(ctx, fields).resolved),
  )

/* Who */

export const TIMESTAMP = row(
  'timestamp_ns',
  json.count('CLOCK_MONOTONIC when it happened, ns'),
  (out, { ctx: { event } }) => writeTime(out, event),
)
export const PID = ofThread(
  'pid',
  json.count('process id, initial namespace'),
  headerPlaces('tgid'),
  ({ pid }) => pid,
)
export const TID = ofThread(
  'tid',
  json.count('thread id, initial namespace'),
  headerPlaces('tid'),
  ({ pid }) => pid,
)
export const UID = ofThread('uid', json.count('effective user id'), headerPlaces('uid'), ({ uid }) => uid)
export const PPID = ofProcess(
  'ppid',
  json.orNull(json.count('process id of the parent; null when the process is unknown')),
  (out, process) => writeNumber(out, process?.ppid),
)
export const GID = ofProcess(
  'gid',
  json.orNull(json.count('group id; null when the process is unknown')),
  (out, process) => writeNumber(out, process?.gid),
)
export const COMM = ofProcess(
  'comm',
  json.orNull(json.text('name of the process; null when it is unknown')),
  (out, process) => writeStr(out, 'comm', process?.comm),
)
export const EXE_PATH = ofProcess(
  'exe_path',
  json.orNull(json.text('executable as the kernel resolved it; null when unknown or a kernel thread')),
  (out, process) => writeNamed(out, 'exe_path', process?.exePath.text || undefined),
)

/** Arguments shown in full, as of a process that starts. */
export const ARGV = optional(
  ofProcess(
    'argv',
    json.list(json.text('an argument'), 'arguments of the process, argv[0] first; secrets masked'),
    (out, process, texts) => writeArguments(out, shownArguments(process, texts)),
  ),
)
const shownArguments = (process: ProcessInfo | undefined, { mask }: Texts): readonly string[] => {
  const argv = process?.argv ?? []
  return mask ? maskArguments(argv) : argv
}
function writeArguments(out: Line, argv: readonly string[]): void {
  out.ascii(',"argv":')
  writeList(out, 'argv', argv)
}

/** Most characters of arguments in records of files and the network, which repeat them. */
const SHORT_ARGV_MAX = 1024
export const ARGV_SHORT = optional(
  ofProcess(
    'argv',
    json.list(
      json.text('an argument'),
      'arguments of the process, the first 1,024 characters; secrets masked',
    ),
    (out, process, texts) => {
      const argv = shownArguments(process, texts)
      const kept = shorten(argv)
      writeArguments(out, kept)
      if (kept !== argv) out.raw(ARGV_IS_CUT)
    },
  ),
)
const ARGV_IS_CUT = Buffer.from(',"argv_truncated":true')
export const ARGV_TRUNCATED = optional(
  ofProcess(
    'argv_truncated',
    json.bool('true: there are more arguments; process_start has them'),
    // Written with the arguments.
    () => {},
  ),
)

function shorten(argv: readonly string[]): readonly string[] {
  let room = SHORT_ARGV_MAX
  for (const [i, word] of argv.entries()) {
    if (word.length > room) return [...argv.slice(0, i), word.slice(0, room)]
    room -= word.length
  }
  return argv
}

export const ARGV_CUT = optional(
  ofProcess(
    'argv_truncated',
    json.bool('true: there are more arguments than are kept'),
    (out, process) => void (process?.argvCutFrom !== undefined && out.raw(ARGV_IS_CUT)),
  ),
)
export const CWD = optional(
  ofProcess(
    'cwd',
    json.orNull(json.text('current directory of the process when it started its program')),
    (out, process) => {
      out.ascii(',"cwd":')
      writeNamed(out, 'cwd', process?.cwd.text || undefined)
    },
  ),
)
export const CONTAINER = ofProcess(
  'container_id',
  json.orNull(json.text('first 12 characters of the container id; null on the host')),
  (out, process) => writeNamed(out, 'container_id', process?.containerId),
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
  (out, process) => {
    out.ascii('[')
    for (const [i, { pid, comm, exePath }] of ancestorsOf(process).slice(0, ANCESTORS_MAX).entries()) {
      out.ascii(i === 0 ? '{"pid":' : ',{"pid":')
      out.int(pid)
      out.ascii(',"comm":')
      writeStr(out, 'comm', comm)
      out.ascii(',"exe_path":')
      writeNamed(out, 'exe_path', exePath.text || undefined)
      out.ascii('}')
    }
    out.ascii(']')
  },
)
export const ENV = optional(
  row(
    'env',
    json.list(json.text('NAME=value'), 'environment of the program; secrets masked'),
    (out, { ctx }, { mask }) => {
      const bytes = ctx.event.bytes('env')
      if (bytes === undefined) return
      const env = splitVector(bytes)
      out.ascii(',"env":')
      writeList(out, 'env', mask ? maskEnvironment(env) : env)
    },
  ),
)

export const SOURCE = row(
  'source',
  json.oneOfTexts(['execve', 'execveat'], 'the call that started it'),
  (out, { ctx }) => out.quoted(ctx.event.name),
)
/** The record tells of the last thread, so always true. */
export const GROUP_DEAD = fixed(
  'group_dead',
  json.bool('no thread of the process is left: always true, the end of other threads is not reported'),
  true,
)

/** Parent and child of a fork. The child starts as a copy of its parent, so both have one name. */
export const RELATIONSHIP: readonly Column[] = [
  numberAt('parent_pid', json.count('process that made the other'), headerPlaces('tgid')),
  ofProcess(
    'parent_comm',
    json.orNull(json.text('name of the parent; null when it is unknown')),
    (out, process) => writeStr(out, 'parent_comm', process?.comm),
  ),
  numberAt('child_pid', json.count('the new process'), placesOf('child_pid')),
  numberAt('child_tid', json.count('its first thread'), placesOf('child_pid')),
  row(
    'child_comm',
    json.orNull(json.text('name of the child: that of the thread that forked')),
    (out, { ctx: { event, process } }) => writeStr(out, 'child_comm', event.string('comm') ?? process?.comm),
  ),
]

/* When, where, how it went */

export const TIME = row(
  'time',
  json.time('wall clock, RFC 3339 in UTC with ns'),
  (out, { ctx: { event } }, { time }) => time.wall(out, event),
)
/** The same for all records, so it goes with the text that is kept. */
export const HOST = ofProcess('host', json.text('name of the host'), (out, _process, { host }) =>
  writeNamed(out, 'host', host),
)
export const RESULT = numberAt(
  'result',
  json.orNull(
    json.int('return value of the call, a negative errno when it failed; null for what is no call'),
  ),
  RAW_RESULT,
)
export const ERROR = usually(
  'null',
  row('error', json.orNull(json.text('name of the error; null when the call worked')), (out, { ctx }) => {
    const result = rawResult(ctx) ?? 0
    if (result < 0) out.quoted(errnoName(result) ?? String(-result))
    else writeNull(out)
  }),
)

const ACCESS = ['read', 'write', 'read_write', 'none'] as const
const O_PATH = 0o10000000
const FLAGS = placesOf('flags')
const ACCESS_TEXTS = ACCESS.map((access) => Buffer.from(`"${access}"`))
const NO_ACCESS = ACCESS_TEXTS[3]!
/** How an open wants the file; everything else that touches files changes them. */
export const ACCESS_OF_OPEN = row(
  'access',
  json.oneOfTexts(ACCESS, 'what the file was opened for, or done to it'),
  (out, { ctx: { event } }) => {
    const flags = event.numberAt(event.slotAt(FLAGS)!)
    out.raw((flags & O_PATH) !== 0 ? NO_ACCESS : ACCESS_TEXTS[flags & 3]!)
  },
)
export const ACCESS_WRITE = fixed(
  'access',
  json.oneOfTexts(ACCESS, 'what the file was opened for, or done to it'),
  'write',
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
  (out, { ctx }) => out.quoted(familyName(ctx)),
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
  row(`${side}_addr`, json.orNull(json.text(`${side} address; null when there is none`)), (out, { ctx }) => {
    const end = endOf(ctx, side)
    if (end === undefined) writeNull(out)
    else out.quoted(end.ip.text)
  }),
  row(`${side}_port`, json.orNull(json.count(`${side} port; null when there is none`)), (out, { ctx }) =>
    writeNumber(out, endOf(ctx, side)?.port),
  ),
]

export const UNIX_PATH = optional(
  row(
    'unix_path',
    json.text('name of the unix socket; an abstract one starts with @'),
    (out, { ctx: { event } }) => {
      const path = event.string('unix_path') ?? event.string('addr_path')
      if (path === undefined) return
      out.ascii(',"unix_path":')
      writeStr(out, 'unix_path', path)
    },
  ),
)

export const TRANSPORT = row(
  'protocol',
  json.orNull(json.oneOfTexts(['tcp', 'udp'], 'transport; null for another one')),
  (out, { ctx }) => writeNamed(out, 'protocol', transport(ctx)),
)

/** The bytes themselves, which are text only by chance. */
export const PAYLOAD = row(
  'payload_b64',
  json.text('the data in base64, its first `telemetry.payload_bytes` bytes'),
  (out, { ctx: { event } }) => out.quoted(Buffer.from(event.bytes('payload') ?? []).toString('base64')),
)

/** What a DNS message says; nulls where the bytes were none. */
export const DNS: readonly RowColumn[] = [
  row('dns_type', json.oneOfTexts(['query', 'answer'], 'which way it goes'), (out, { ctx }) =>
    out.quoted(ctx.event.name === 'net_packet_dns_request' ? 'query' : 'answer'),
  ),
  row('dns_id', json.orNull(json.count('id that an answer shares with its request')), (out, { ctx }) =>
    writeNumber(out, dnsMessage(ctx)?.id),
  ),
  row('dns_question', json.orNull(json.text('name that is asked for')), (out, { ctx }) =>
    writeNamed(out, 'dns_question', dnsMessage(ctx)?.question?.name),
  ),
  row('dns_question_type', json.orNull(json.text('type that is asked for, such as AAAA')), (out, { ctx }) =>
    writeNamed(out, 'dns_question_type', dnsMessage(ctx)?.question?.type),
  ),
  row('dns_response_code', json.orNull(json.text('such as NXDOMAIN; null in requests')), (out, { ctx }) =>
    writeNamed(out, 'dns_response_code', responseCode(dnsMessage(ctx))),
  ),
  row(
    'dns_answers',
    json.list(json.text('an address or a name'), 'addresses and names that are answered, at most 64'),
    (out, { ctx }) => {
      const message = dnsMessage(ctx)
      out.utf8(JSON.stringify(message === undefined ? [] : answersOf(message)))
    },
  ),
]

/* What rules say */

export const ALERT = usually(
  'false',
  row('alert', json.bool('a rule or detection matched'), (out, { findings }) =>
    out.raw(findings.length > 0 ? TRUE : FALSE),
  ),
)
export const DETECTION_TYPE = usually(
  'null',
  row(
    'detection_type',
    json.orNull(json.text('the detection that matched, or the rule when no detection did; null without one')),
    (out, { findings }) => {
      const found = findings.find(({ rule }) => isDetection(rule)) ?? findings[0]
      writeNamed(out, 'detection_type', found && detectionName(found.rule))
    },
  ),
)
export const ALERT_IDS = usually(
  '',
  optional(
    row(
      'alert_ids',
      json.list(json.text('id of an alert record'), 'alerts that this event raised'),
      (out, { findings }, { alertRecords }) => {
        if (findings.length === 0 || !alertRecords) return
        const ids = findings.filter(({ rule }) => !isDetection(rule)).map(({ alert }) => `"${alert.id}"`)
        if (ids.length > 0) out.ascii(`,"alert_ids":[${ids.join(',')}]`)
      },
    ),
  ),
)
