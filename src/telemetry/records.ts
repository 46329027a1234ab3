/**
 * The record types of the telemetry stream: which events become which `event_type`, and with which columns. Names and
 * fields that rand-guard has are exactly its own; what it never saw has types of its own in the same manner.
 */
import { EVENT_TYPES, type FamilyDecl, layoutOf } from '../../schema/index.ts'
import { type PathFields, pathOfFields } from '../fields/paths.ts'
import type { Column } from './column.ts'
import * as c from './columns.ts'
import type { RuleType } from './rule-facts.ts'

/** The families of operations that rand-guard's file rules know. */
export const OPERATIONS = ['file_open', 'file_write', 'file_rename', 'file_unlink'] as const
export type Operation = (typeof OPERATIONS)[number]

export interface RecordType {
  /** `event_type`. */
  readonly name: string
  readonly doc: string
  readonly kind: RuleType
  /** Events that are reported so. */
  readonly events: readonly string[]
  /** Only calls that worked, or only those that failed; all when absent. */
  readonly outcome?: 'ok' | 'failed'
  readonly operation?: Operation
  readonly direction?: 'outbound' | 'inbound'
  /** Paths that filters look at. */
  readonly paths: readonly PathFields[]
  readonly columns: readonly Column[]
}

/** What a family has to tell, and under which names. */
interface FamilyShape {
  readonly paths: readonly PathFields[]
  readonly columns: readonly Column[]
}

const family = (name: string): FamilyDecl => EVENT_TYPES.find((type) => type.family.name === name)!.family

const OPENED = pathOfFields('name', 'dir', 'path')
const OBJECT = pathOfFields(undefined, undefined, 'path')
const NAMED = pathOfFields('name', 'dir', undefined)
const CHANGED = pathOfFields('filename', 'dir', 'path')
const OLD = pathOfFields('oldpath', 'olddir', undefined)
const NEW = pathOfFields('newpath', 'newdir', undefined)
const LINK = pathOfFields('linkpath', 'dir', undefined)

const NAME_DOC = 'name as the caller gave it'
const PATH_DOC = 'absolute path as accessed: the name joined to where it starts, cleaned as text'
const path = (fields: PathFields): Column => c.accessedPath(fields, 'path', PATH_DOC)

const WHO = [c.TIMESTAMP, c.PID, c.TID, c.UID, c.PPID, c.GID, c.COMM, c.EXE_PATH]
const VERDICT = [c.ALERT, c.DETECTION_TYPE, c.ALERT_IDS]
const OUTCOME = [c.RESULT, c.ERROR]
const PLACE = [c.TIME, c.HOST]
const CONTEXT = [c.ARGV_SHORT, c.ARGV_TRUNCATED, c.CWD, c.CONTAINER, c.ANCESTORS]

/** The columns of the family's own fields that were not named by hand. */
function others(name: string, taken: readonly string[]): readonly Column[] {
  const decl = family(name)
  return layoutOf(decl)
    .slots.filter(
      ({ decl: { hidden, storage }, name: field }) =>
        !hidden && !TEXTS.has(storage) && !taken.includes(field),
    )
    .map(({ name: field }) => c.fromSlot(decl, field))
}
const TEXTS: ReadonlySet<string> = new Set(['str', 'strv', 'bytes', 'ip'])

const openShape: FamilyShape = {
  paths: [OPENED],
  columns: [
    c.givenName(OPENED, 'filename', NAME_DOC),
    path(OPENED),
    c.resolvedPath(OPENED),
    c.fromSlot(family('open'), 'flags'),
    c.truncated('name', 'path'),
    c.fromSlot(family('open'), 'mode'),
    c.ACCESS_OF_OPEN,
  ],
}

const writing = (...columns: readonly Column[]): FamilyShape => ({
  paths: [OBJECT],
  columns: [c.fromSlot(family('write'), 'fd'), ...columns, c.resolvedPath(OBJECT), c.ACCESS_WRITE],
})
const size = (name: string, doc: string): Column => c.fromSlot(family('write'), 'size', name, doc)

/** Two names, old and new. */
const joining = (familyName: string, ...columns: readonly Column[]): FamilyShape => ({
  paths: [OLD, NEW],
  columns: [
    c.givenName(OLD, 'old_filename', 'old name as the caller gave it'),
    c.givenName(NEW, 'new_filename', 'new name as the caller gave it'),
    c.accessedPath(OLD, 'old_path', `old name: ${PATH_DOC}`),
    c.accessedPath(NEW, 'new_path', `new name: ${PATH_DOC}`),
    c.truncated('oldpath', 'newpath'),
    ...columns,
    c.ACCESS_WRITE,
    ...others(familyName, ['res', 'flags', 'olddirfd', 'newdirfd']),
  ],
})

const byName = (familyName: string, fields: PathFields, ...columns: readonly Column[]): FamilyShape => ({
  paths: [fields],
  columns: [
    c.givenName(fields, 'filename', NAME_DOC),
    path(fields),
    ...columns,
    c.truncated(fields.name!),
    c.ACCESS_WRITE,
    ...others(familyName, ['res', 'flags', 'dirfd', 'linkdirfd']),
  ],
})

const flagsOf = (name: string): Column => c.fromSlot(family(name), 'flags')

interface FileInit {
  readonly doc: string
  readonly events?: readonly string[]
  readonly operation?: Operation
  readonly shape: FamilyShape
}

const file = (name: string, { doc, events, operation, shape }: FileInit): RecordType => ({
  name: `file_${name}`,
  doc,
  kind: 'file',
  events: events ?? [name],
  ...(operation === undefined ? {} : { operation }),
  paths: shape.paths,
  columns: [...WHO, ...shape.columns, ...VERDICT, ...OUTCOME, ...PLACE, ...CONTEXT],
})

const network = (
  name: string,
  doc: string,
  direction: 'outbound' | 'inbound',
  columns: readonly Column[],
  events: readonly string[] = [name],
): RecordType => ({
  name: `network_${name}`,
  doc,
  kind: 'network',
  events,
  direction,
  paths: [],
  columns: [
    ...WHO,
    c.SOCKET_FAMILY,
    c.fromSlot(family('socket'), 'fd', 'socket_fd'),
    ...columns,
    c.UNIX_PATH,
    ...VERDICT,
    ...OUTCOME,
    ...PLACE,
    ...CONTEXT,
  ],
})

/** Data on its way: seen in a packet, not in a call. */
const packet = (
  name: string,
  doc: string,
  events: readonly string[],
  columns: readonly Column[],
): RecordType => ({
  name: `network_${name}`,
  doc,
  kind: 'network',
  events,
  paths: [],
  columns: [
    ...WHO,
    c.SOCKET_FAMILY,
    c.TRANSPORT,
    ...c.endpoint('local'),
    ...c.endpoint('remote'),
    ...columns,
    ...VERDICT,
    ...PLACE,
    ...CONTEXT,
  ],
})

const processRecord = (
  name: string,
  doc: string,
  events: readonly string[],
  columns: readonly Column[],
  outcome?: 'ok' | 'failed',
): RecordType => ({
  name,
  doc,
  kind: 'process',
  events,
  ...(outcome === undefined ? {} : { outcome }),
  paths: [],
  columns: [...columns, ...VERDICT, ...PLACE],
})

const STARTS = ['execve', 'execveat'] as const

/** Every record type, in the order of the documentation. */
export const RECORD_TYPES: readonly RecordType[] = [
  processRecord(
    'process_start',
    'A process started a program.',
    STARTS,
    [
      ...WHO,
      c.SOURCE,
      c.truncated('filename', 'exe_path'),
      c.fromText('filename', 'filename', NAME_DOC),
      c.ARGV,
      c.ARGV_CUT,
      c.CWD,
      c.ENV,
      c.CONTAINER,
      c.ANCESTORS,
    ],
    'ok',
  ),
  processRecord(
    'process_exec_failed',
    'A process tried to start a program and could not.',
    STARTS,
    [
      ...WHO,
      c.SOURCE,
      c.truncated('filename'),
      c.fromText('filename', 'filename', NAME_DOC),
      ...OUTCOME,
      ...CONTEXT,
    ],
    'failed',
  ),
  processRecord(
    'process_exit',
    'The last thread of a process ended.',
    ['procexit'],
    [
      ...WHO,
      c.GROUP_DEAD,
      c.fromSlot(family('exit'), 'ret', 'exit_code'),
      c.fromSlot(family('exit'), 'sig', 'signal'),
      c.CONTAINER,
    ],
  ),
  processRecord(
    'process_relationship',
    'A process made another. Threads are no processes.',
    ['clone', 'fork', 'vfork', 'clone3'],
    [c.TIMESTAMP, ...c.RELATIONSHIP, c.UID, c.GID, c.CONTAINER],
  ),
  file('open', {
    doc: 'open(2), creat(2), openat(2).',
    events: ['open', 'creat', 'openat'],
    operation: 'file_open',
    shape: openShape,
  }),
  file('openat2', {
    doc: 'openat2(2).',
    operation: 'file_open',
    shape: { ...openShape, columns: [...openShape.columns, c.fromSlot(family('open'), 'resolve')] },
  }),
  file('write', {
    doc: 'write(2).',
    operation: 'file_write',
    shape: writing(size('count', 'bytes asked for')),
  }),
  file('writev', {
    doc: 'writev(2).',
    operation: 'file_write',
    shape: writing(size('iovcnt', 'number of buffers')),
  }),
  file('pwrite64', {
    doc: 'pwrite(2).',
    operation: 'file_write',
    shape: writing(size('count', 'bytes asked for'), c.fromSlot(family('write'), 'pos')),
  }),
  file('copy_file_range', {
    doc: 'copy_file_range(2): the file written.',
    operation: 'file_write',
    shape: writing(size('count', 'bytes asked for'), c.fromSlot(family('write'), 'fd_in')),
  }),
  file('ftruncate', {
    doc: 'ftruncate(2).',
    operation: 'file_write',
    shape: writing(size('length', 'new length in bytes')),
  }),
  file('truncate', {
    doc: 'truncate(2).',
    operation: 'file_write',
    shape: byName('truncate', NAMED),
  }),
  file('chmod', {
    doc: 'chmod(2) and its like: permission bits were changed.',
    events: ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'],
    shape: byName('chmod', CHANGED, c.resolvedPath(CHANGED), flagsOf('chmod')),
  }),
  file('rename', { doc: 'rename(2).', operation: 'file_rename', shape: joining('rename') }),
  file('renameat', { doc: 'renameat(2).', operation: 'file_rename', shape: joining('rename') }),
  file('renameat2', {
    doc: 'renameat2(2).',
    operation: 'file_rename',
    shape: joining('rename', flagsOf('rename')),
  }),
  file('link', {
    doc: 'link(2), linkat(2): another name for a file.',
    events: ['link', 'linkat'],
    operation: 'file_rename',
    shape: joining('link', flagsOf('link')),
  }),
  file('symlink', {
    doc: 'symlink(2), symlinkat(2).',
    events: ['symlink', 'symlinkat'],
    operation: 'file_rename',
    shape: byName('symlink', LINK, c.fromText('target', 'target', 'text of the link, as given')),
  }),
  file('unlink', { doc: 'unlink(2).', operation: 'file_unlink', shape: byName('unlink', NAMED) }),
  file('unlinkat', {
    doc: 'unlinkat(2).',
    operation: 'file_unlink',
    shape: byName('unlink', NAMED, flagsOf('unlink')),
  }),
  file('rmdir', { doc: 'rmdir(2).', operation: 'file_unlink', shape: byName('unlink', NAMED) }),
  network('connect', 'connect(2).', 'outbound', [...c.endpoint('remote'), ...c.endpoint('local')]),
  network('bind', 'bind(2).', 'inbound', c.endpoint('local')),
  network('listen', 'listen(2).', 'inbound', [
    ...c.endpoint('local'),
    c.fromSlot(family('socket'), 'backlog'),
  ]),
  network(
    'accept',
    'accept(2), accept4(2): the new socket.',
    'inbound',
    [...c.endpoint('local'), ...c.endpoint('remote')],
    ['accept', 'accept4'],
  ),
  packet(
    'dns',
    'A DNS message on port 53, at the end that asks. Written with `telemetry.collect_dns`.',
    ['net_packet_dns_request', 'net_packet_dns_response'],
    c.DNS,
  ),
  packet(
    'payload',
    'The first data that a socket sends. Written with `telemetry.collect_payload`.',
    ['net_packet_first'],
    [c.fromSlot(family('packet'), 'size', 'size', 'bytes of the data in the first packet'), c.PAYLOAD],
  ),
]

/** Record types that an event may become: more than one when the outcome decides. */
export const recordTypesOf: ReadonlyMap<string, readonly RecordType[]> = (() => {
  const byEvent = new Map<string, RecordType[]>()
  for (const type of RECORD_TYPES)
    for (const event of type.events) byEvent.set(event, [...(byEvent.get(event) ?? []), type])
  return byEvent
})()
