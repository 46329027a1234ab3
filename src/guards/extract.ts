/**
 * What the kernel side looked at when it judged an event, from the record it sent: the TypeScript half of `extract`, for
 * tests and for audits that name a fault. Where a record does not tell, the result says less than the kernel knew.
 */
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  ERRNO,
  FAMILIES,
  FILE_TYPES,
  OPEN_FLAGS,
  PATH_FLAGS,
  S_IFMT,
  SOCK_TYPES,
} from '../../schema/enums/index.ts'
import {
  DUP_SHAPE,
  EXEC_SHAPE,
  FILE_KINDS,
  NAME_SHAPE,
  OPEN_SHAPE,
  OUTCOMES,
  SOCKET_FAMILIES,
  SOCKET_KINDS,
  SOCKET_NEW_SHAPE,
  SOCKET_SHAPE,
  WRITE_SHAPE,
} from '../../schema/guard.ts'
import type { EventView } from '../decode/event-view.ts'
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import { isUnspecified } from '../fields/fd/descriptor.ts'
import { Ip } from '../fields/ip.ts'
import { numberSlots } from './arguments.ts'
import { split } from './paths.ts'
import { GUARDED_EVENTS } from './shapes.ts'
import type { GuardEnd, GuardInput, GuardPath } from './tables.ts'

/** Undefined for events without a guard. */
export function inputOf({ event, process }: SyscallContext): GuardInput | undefined {
  const facts = event.type.family.name === 'exec' ? execFacts(event, process) : factsOf(event)
  if (facts === undefined) return undefined
  return { event: event.name, ...facts, numbers: numbersOf(event), process: processOf(event, process) }
}

type Facts = Pick<GuardInput, 'shape' | 'paths' | 'ends' | 'launch'>

function factsOf(event: EventView): Facts | undefined {
  switch (event.type.family.name) {
    case 'open':
      return { shape: openShape(event), paths: [namedPath(event, 'name', 'dir', true)], ends: [] }
    case 'write':
      return { shape: writeShape(event), paths: objectPath(event), ends: [] }
    case 'chmod': {
      const shape = outcomeOf(event) | (setsId(event) ? NAME_SHAPE.SETS_ID : 0)
      const paths = event.name === 'fchmod' ? objectPath(event) : [namedPath(event, 'filename', 'dir')]
      return { shape, paths, ends: [] }
    }
    case 'truncate':
    case 'unlink':
      return names(event, [namedPath(event, 'name', 'dir')])
    case 'rename':
    case 'link':
      return names(event, [namedPath(event, 'oldpath', 'olddir'), namedPath(event, 'newpath', 'newdir')])
    case 'symlink':
      return names(event, [namedPath(event, 'linkpath', 'dir'), namedPath(event, 'target', undefined)])
    case 'message':
      return { shape: messageShape(event), paths: [], ends: hasAddress(event) ? 'any' : endsOf(event) }
    case 'dup':
      return dupFacts(event)
    case 'socket':
      return { shape: socketShape(event), paths: [], ends: endsOf(event) }
    case 'socket_new':
      return { shape: newSocketShape(event), paths: [], ends: [] }
    default:
      return GUARDED_EVENTS.has(event.name) ? callFacts(event) : undefined
  }
}

/** Of an event that has no more than arguments. Paths start from a directory, or are what the kernel calls a file. */
function callFacts(event: EventView): Facts {
  const { fields } = event.type.family
  const given = Object.values(fields).some(({ base }) => base !== undefined)
  const paths = Object.entries(fields).flatMap(([name, { format, hidden, base }]) => {
    if (format !== 'path' || hidden === true) return []
    if (!given) return [{ name: undefined, start: undefined, resolved: resolved(event, name) }]
    return event.has(name) ? [namedPath(event, name, base)] : []
  })
  const ends = event.has('laddr') || event.has('lport') ? endsOf(event) : []
  return { shape: outcomeOf(event, event.number('res') ?? 0), paths, ends }
}

const numbersOf = (event: EventView): GuardInput['numbers'] =>
  numberSlots(event.name).map((slot) => {
    const number = slot && (slot.size < 8 ? event.number(slot.name) : event.bigint(slot.name))
    return number === undefined ? undefined : BigInt.asUintN(64, BigInt(number))
  })

const names = (event: EventView, paths: readonly GuardPath[]): Facts => ({
  shape: outcomeOf(event),
  paths,
  ends: [],
})

function outcomeOf(event: EventView, result = event.number('res')!): number {
  if (result >= 0) return OUTCOMES.OK
  return result === -ERRNO['EPERM']! || result === -ERRNO['EACCES']! ? OUTCOMES.DENIED : OUTCOMES.FAILED
}

const setsId = (event: EventView): boolean => (event.number('mode')! & 0o6000) !== 0

const TMPFILE = 0o20000000
function openShape(event: EventView): number {
  const flags = event.number('flags')!
  const { O_CREAT, O_TRUNC, O_PATH } = OPEN_FLAGS.names
  return (
    outcomeOf(event, event.number('fd')!) |
    ((flags & 3) << OPEN_SHAPE.ACCESS_SHIFT) |
    ((flags & (O_CREAT! | TMPFILE)) !== 0 ? OPEN_SHAPE.CREATES : 0) |
    ((flags & O_TRUNC!) !== 0 ? OPEN_SHAPE.TRUNC : 0) |
    ((flags & O_PATH!) !== 0 ? OPEN_SHAPE.PATH : 0) |
    (setsId(event) ? OPEN_SHAPE.SETS_ID : 0) |
    ((event.number('i_mode')! & S_IFMT) === FILE_TYPES.S_IFDIR ? OPEN_SHAPE.DIRECTORY : 0)
  )
}

const KINDS: ReadonlyMap<number, number> = new Map([
  [FILE_TYPES.S_IFREG, FILE_KINDS.REG],
  [FILE_TYPES.S_IFDIR, FILE_KINDS.DIR],
  [FILE_TYPES.S_IFCHR, FILE_KINDS.CHR],
  [FILE_TYPES.S_IFBLK, FILE_KINDS.BLK],
  [FILE_TYPES.S_IFIFO, FILE_KINDS.FIFO],
  [FILE_TYPES.S_IFSOCK, FILE_KINDS.SOCK],
])
const writeShape = (event: EventView): number =>
  outcomeOf(event) |
  ((KINDS.get(event.number('i_mode')! & S_IFMT) ?? FILE_KINDS.OTHER) << WRITE_SHAPE.KIND_SHIFT)

const SOCKETS: ReadonlyMap<number, number> = new Map([
  [AF_UNIX, SOCKET_FAMILIES.UNIX],
  [AF_INET, SOCKET_FAMILIES.INET],
  [AF_INET6, SOCKET_FAMILIES.INET6],
  [FAMILIES.names['AF_NETLINK']!, SOCKET_FAMILIES.NETLINK],
])
function socketShape(event: EventView): number {
  const result = event.number('res')!
  const outcome = result === -ERRNO['EINPROGRESS']! ? OUTCOMES.IN_PROGRESS : outcomeOf(event)
  return outcome | (familyOf(event) << SOCKET_SHAPE.FAMILY_SHIFT)
}

const familyOf = (event: EventView): number => SOCKETS.get(event.number('family')!) ?? SOCKET_FAMILIES.OTHER

const DOMAINS: ReadonlyMap<number, number> = new Map([
  ...SOCKETS,
  [FAMILIES.names['AF_PACKET']!, SOCKET_FAMILIES.PACKET],
])
const SOCKET_KIND_OF: ReadonlyMap<number, number> = new Map([
  [SOCK_TYPES.names['SOCK_STREAM']!, SOCKET_KINDS.STREAM],
  [SOCK_TYPES.names['SOCK_DGRAM']!, SOCKET_KINDS.DGRAM],
  [SOCK_TYPES.names['SOCK_RAW']!, SOCKET_KINDS.RAW],
])
const newSocketShape = (event: EventView): number =>
  outcomeOf(event) |
  ((DOMAINS.get(event.number('domain')!) ?? SOCKET_FAMILIES.OTHER) << SOCKET_NEW_SHAPE.FAMILY_SHIFT) |
  ((SOCKET_KIND_OF.get(event.number('type')!) ?? SOCKET_KINDS.OTHER) << SOCKET_NEW_SHAPE.TYPE_SHIFT)

const messageShape = (event: EventView): number =>
  outcomeOf(event) | (familyOf(event) << SOCKET_SHAPE.FAMILY_SHIFT)

/** A message may have another address than its socket; streams ignore what they are given. */
const hasAddress = (event: EventView): boolean =>
  event.number('addr_family') !== 0 && event.number('type') !== SOCK_TYPES.names['SOCK_STREAM']

function dupFacts(event: EventView): Facts {
  const result = event.number('res')!
  const mode = event.number('i_mode')!
  const isSocket = (mode & S_IFMT) === FILE_TYPES.S_IFSOCK
  const family = isSocket ? familyOf(event) : mode === 0 ? SOCKET_FAMILIES.OTHER : SOCKET_FAMILIES.NONE
  const shape =
    outcomeOf(event) |
    ((result > 2 ? 3 : result & 3) << DUP_SHAPE.RESULT_SHIFT) |
    (family << DUP_SHAPE.FAMILY_SHIFT)
  // A socket has a name that is no path.
  if (isSocket) return { shape, paths: [ANYTHING], ends: endsOf(event) }
  return { shape, paths: mode === 0 ? [] : objectPath(event), ends: [] }
}

function execFacts(event: EventView, process: ProcessInfo | undefined): Facts {
  const outcome = outcomeOf(event)
  if (outcome !== OUTCOMES.OK) return { shape: outcome, paths: [ANYTHING], ends: [] }
  const flags = event.number('exe_flags')! & EXEC_SHAPE.FLAGS
  const cwd = event.string('cwd')?.text
  const isGone = cwd?.endsWith(DELETED) === true
  return {
    shape: outcome | (flags << EXEC_SHAPE.FLAGS_SHIFT),
    paths: [],
    launch: {
      directory: cwd === undefined || isGone ? undefined : withSlash(cwd),
      first: process?.argv[0] ?? '',
    },
    ends: [],
  }
}
const ANYTHING: GuardPath = { name: undefined, start: undefined, resolved: { directory: '', name: '' } }

function endsOf(event: EventView): readonly (GuardEnd | undefined)[] {
  const family = event.number('family')
  if (family !== AF_INET && family !== AF_INET6) return []
  return [end(event, 'laddr', 'lport', family), end(event, 'raddr', 'rport', family)]
}

function end(event: EventView, address: string, port: string, family: number): GuardEnd | undefined {
  // A record has no unspecified address; that of IPv4 is mapped like all others.
  const ip = event.ip(address) ?? new Uint8Array(16).fill(family === AF_INET ? 0xff : 0, 10, 12)
  const number = event.number(port)!
  return number === 0 && isUnspecified(new Ip(ip)) ? undefined : { ip, port: number }
}

const withSlash = (path: string): string => (path.endsWith('/') ? path : `${path}/`)

const DELETED = ' (deleted)'
function resolved(event: EventView, name = 'path'): GuardPath['resolved'] {
  const path = event.string(name)?.text
  if (path === undefined) return undefined
  // Nobody asks for the names of pipes and sockets.
  if (!path.startsWith('/')) return path.endsWith(']') ? undefined : 'nowhere'
  const removed = (event.number('path_flags')! & PATH_FLAGS.names['PATH_DELETED']!) !== 0
  const whole = removed && path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path
  const [directory, basename] = split(whole)
  return { directory, name: basename }
}

function namedPath(event: EventView, name: string, dir: string | undefined, hasObject = false): GuardPath {
  const object = hasObject ? resolved(event) : undefined
  const given = event.string(name)?.text
  const inDir = (event.number('path_flags')! & PATH_FLAGS.names['PATH_IN_DIR']!) !== 0
  const start = dir === undefined ? undefined : event.string(dir)?.text
  const from = hasObject && inDir && typeof object === 'object' ? object.directory : start && withSlash(start)
  return { name: given, start: given?.startsWith('/') ? undefined : from, resolved: object }
}

const objectPath = (event: EventView): readonly GuardPath[] => [
  { name: undefined, start: undefined, resolved: resolved(event) },
]

function processOf(event: EventView, process: ProcessInfo | undefined): GuardInput['process'] {
  // The idle task is none.
  if (GUARDED_EVENTS.get(event.name)?.nobody || event.pid === 0) return undefined
  return {
    comm: process?.comm.text ?? '',
    uid: event.uid,
    inContainer: process === undefined ? undefined : isContained(process),
    image:
      process === undefined
        ? undefined
        : {
            path: process.exePath.text,
            hasTty: process.tty !== 0,
            loginuid: process.loginuid,
            names: lineOf(process),
          },
  }
}

/** As `container.id` tells them apart: a container of the name `host` passes for none. */
const isContained = (process: ProcessInfo): boolean =>
  process.containerId !== undefined && process.containerId !== 'host' && process.container?.fullId !== 'host'

/** Names of a process and those it descends from. */
export function lineOf(process: ProcessInfo): readonly string[] {
  const found: string[] = []
  const seen = new Set<ProcessInfo>()
  for (let at: ProcessInfo | undefined = process; at !== undefined && !seen.has(at); at = at.parent) {
    seen.add(at)
    found.push(at.comm.text)
  }
  return found
}
