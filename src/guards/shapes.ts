/**
 * The events whose programs have a guard, with what the shape of each tells about fields. Facts must hold of every event
 * with that shape, whatever else is in it: they decide tests exactly, so that they may stand below a negation.
 */
import {
  DUP_SHAPE,
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
import { FD_TYPES, letterOf } from '../fields/fd/types.ts'
import { callEvents } from './calls.ts'
import { EXECUTIONS } from './executions.ts'
import type { Fact, Facts } from './facts.ts'
import {
  EITHER,
  END_FIELDS,
  FD_PATHS,
  flag,
  type GuardedEvent,
  hasFailed,
  INT_MAX,
  idOf,
  LENGTH,
  MINUS_ONE,
  NAMED,
  NO,
  NO_IO,
  NO_OPEN,
  NUMBER,
  never,
  outcome,
  SOURCE,
  TARGET,
  upTo,
  withoutPaths,
  ZERO,
} from './outcomes.ts'
import type { PathPart } from './paths.ts'

export type { GuardedEvent } from './outcomes.ts'

const OPEN_PATHS: Readonly<Record<string, PathPart>> = {
  ...FD_PATHS,
  ...NAMED,
  'fd.nameraw': 'raw',
  'fs.path.nameraw': 'raw',
  'evt.arg[name]': 'path',
}

/** How a file is opened, as in O_ACCMODE. */
const accessOf = (name: string, shape: number): number =>
  name === 'creat' ? 1 : (shape >> OPEN_SHAPE.ACCESS_SHIFT) & 3

const openEvent = (name: string): GuardedEvent => ({
  name,
  isLook: (shape) => accessOf(name, shape) === 0,
  id: idOf(name),
  shapes: upTo(2 * OPEN_SHAPE.DIRECTORY),
  paths: OPEN_PATHS,
  facts(shape) {
    const failed = hasFailed(shape)
    const creates = (shape & OPEN_SHAPE.CREATES) !== 0
    const mode = accessOf(name, shape)
    return {
      'evt.type': { oneOf: [name] },
      ...outcome(shape, NUMBER),
      ...NO_IO,
      'evt.is_open_read': flag(mode === 0 || mode === 2),
      'evt.is_open_write': flag(mode === 1 || mode === 2),
      'evt.is_open_create': failed || !creates ? NO : EITHER,
      'evt.is_open_exec': creates ? EITHER : NO,
      'fd.num': failed ? MINUS_ONE : NUMBER,
      ...(name === 'creat' ? {} : { 'evt.arg[flags]': { words: flagWords(shape) } }),
      ...modeFacts((shape & OPEN_SHAPE.SETS_ID) !== 0),
      ...((shape & OPEN_SHAPE.DIRECTORY) === 0 ? {} : typeFacts(KIND_TYPES[FILE_KINDS.DIR])),
      ...withoutPaths(Object.keys(OPEN_PATHS)),
    }
  },
})

/** Names of open flags that are in the text of the flags, or are not. */
function flagWords(shape: number): Readonly<Record<string, boolean | undefined>> {
  const mode = (shape >> OPEN_SHAPE.ACCESS_SHIFT) & 3
  return {
    O_RDONLY: mode === 0,
    O_WRONLY: mode === 1,
    O_RDWR: mode === 2,
    // The bit stands for O_TMPFILE as well.
    O_CREAT: (shape & OPEN_SHAPE.CREATES) === 0 ? false : undefined,
    O_TRUNC: (shape & OPEN_SHAPE.TRUNC) !== 0,
    // Falco has no name for it, and may be followed.
    O_PATH: (shape & OPEN_SHAPE.PATH) === 0 ? false : undefined,
  }
}

/** One bit stands for S_ISUID and S_ISGID. */
const modeFacts = (setsId: boolean): Facts =>
  setsId
    ? {}
    : {
        'evt.arg[mode]': { words: { S_ISUID: false, S_ISGID: false } },
        'evt.rawarg[mode]': { octalWithout: 0o6000 },
      }

/** Kinds of descriptors that a kind of file can be: a name that begins with `/memfd:` passes for a memory file. */
const KIND_TYPES: Readonly<Record<number, readonly (keyof typeof FD_TYPES)[] | undefined>> = {
  [FILE_KINDS.DIR]: ['d', 'm'],
  [FILE_KINDS.CHR]: ['f', 'm'],
  [FILE_KINDS.BLK]: ['f', 'm'],
  [FILE_KINDS.FIFO]: ['p', 'm'],
  [FILE_KINDS.SOCK]: ['u', 'o', 'm'],
}

const writeEvent = (name: string): GuardedEvent => ({
  name,
  isLook: () => false,
  id: idOf(name),
  shapes: upTo(8 << WRITE_SHAPE.KIND_SHIFT),
  paths: FD_PATHS,
  facts: (shape) => ({
    'evt.type': { oneOf: [name] },
    ...outcome(shape, LENGTH),
    ...NO_OPEN,
    'evt.is_io': flag(name !== 'ftruncate'),
    'evt.is_io_read': NO,
    'evt.is_io_write': flag(name !== 'ftruncate'),
    ...typeFacts(KIND_TYPES[shape >> WRITE_SHAPE.KIND_SHIFT]),
    ...withoutPaths([...Object.keys(FD_PATHS), 'fd.nameraw']),
  }),
})

const typeFacts = (types: readonly (keyof typeof FD_TYPES)[] | undefined): Facts =>
  types === undefined
    ? {}
    : {
        'fd.typechar': { oneOf: types.map(letterOf) },
        'fd.type': { oneOf: types.map((type) => FD_TYPES[type]) },
      }

const CHMODS: ReadonlySet<string> = new Set(['chmod', 'fchmod', 'fchmodat', 'fchmodat2'])

/** A call on names; `more` are other fields of paths it may have. After a failure `fs.path` fields are absent. */
const namedEvent = (
  name: string,
  paths: Readonly<Record<string, PathPart>>,
  more: readonly string[] = [],
): GuardedEvent => ({
  name,
  isLook: () => false,
  id: idOf(name),
  shapes: upTo(CHMODS.has(name) ? 8 : 4),
  paths,
  facts(shape) {
    const known = [...Object.keys(paths), ...Object.keys(paths).map((field) => `${field}raw`), ...more]
    return {
      'evt.type': { oneOf: [name] },
      ...outcome(shape, ZERO),
      ...NO_IO,
      ...NO_OPEN,
      ...(CHMODS.has(name) ? modeFacts((shape & NAME_SHAPE.SETS_ID) !== 0) : {}),
      ...withoutPaths(hasFailed(shape) ? known.filter((field) => field.startsWith('fd.')) : known),
    }
  },
})

const FAMILY_TYPES: Readonly<Record<number, readonly (keyof typeof FD_TYPES)[] | undefined>> = {
  [SOCKET_FAMILIES.UNIX]: ['u'],
  [SOCKET_FAMILIES.INET]: ['4'],
  [SOCKET_FAMILIES.INET6]: ['4', '6'],
  [SOCKET_FAMILIES.NETLINK]: ['n'],
}

const isInet = (family: number): boolean =>
  family === SOCKET_FAMILIES.INET || family === SOCKET_FAMILIES.INET6
/** Only a call that worked, or is under way, on an IP socket has ends. */
const hasEnds = (shape: number): boolean => {
  return (
    isInet(shape >> SOCKET_SHAPE.FAMILY_SHIFT) &&
    ((shape & 3) === OUTCOMES.OK || (shape & 3) === OUTCOMES.IN_PROGRESS)
  )
}

const socketEvent = (name: string): GuardedEvent => ({
  name,
  isLook: () => false,
  id: idOf(name),
  shapes: upTo(8 << SOCKET_SHAPE.FAMILY_SHIFT),
  paths: {},
  ends: true,
  facts: (shape) => ({
    'evt.type': { oneOf: [name] },
    ...outcome(shape, NUMBER),
    ...NO_IO,
    ...NO_OPEN,
    ...(hasEnds(shape) ? {} : never(END_FIELDS)),
    ...typeFacts(FAMILY_TYPES[shape >> SOCKET_SHAPE.FAMILY_SHIFT]),
  }),
})

/** Data through a socket, which is what it is whatever becomes of the call. */
const messageEvent = (name: string): GuardedEvent => ({
  name,
  id: idOf(name),
  shapes: upTo(8 << SOCKET_SHAPE.FAMILY_SHIFT),
  paths: {},
  ends: true,
  isLook: () => false,
  facts: (shape) => ({
    'evt.type': { oneOf: [name] },
    ...outcome(shape, LENGTH),
    ...NO_OPEN,
    ...(isInet(shape >> SOCKET_SHAPE.FAMILY_SHIFT) ? {} : never(END_FIELDS)),
    ...typeFacts(FAMILY_TYPES[shape >> SOCKET_SHAPE.FAMILY_SHIFT]),
  }),
})

/** Names of address families that the text of the family may hold: `AF_INET6` holds `AF_INET`. */
const FAMILY_WORDS: Readonly<Record<string, readonly number[]>> = {
  AF_UNIX: [SOCKET_FAMILIES.UNIX],
  AF_INET: [SOCKET_FAMILIES.INET, SOCKET_FAMILIES.INET6],
  AF_INET6: [SOCKET_FAMILIES.INET6],
  AF_NETLINK: [SOCKET_FAMILIES.NETLINK],
  AF_PACKET: [SOCKET_FAMILIES.PACKET],
}
/** Numbers of the kinds of sockets that have a class of their own. */
const KIND_NUMBERS: Readonly<Record<number, number>> = {
  [SOCKET_KINDS.STREAM]: 1,
  [SOCKET_KINDS.DGRAM]: 2,
  [SOCKET_KINDS.RAW]: 3,
}

/** A new socket: nothing but what was asked for is known of it. */
const newSocketEvent = (name: string): GuardedEvent => ({
  name,
  isLook: () => false,
  id: idOf(name),
  shapes: upTo(4 << SOCKET_NEW_SHAPE.TYPE_SHIFT),
  paths: {},
  facts(shape) {
    const family = (shape >> SOCKET_NEW_SHAPE.FAMILY_SHIFT) & 7
    const kind = KIND_NUMBERS[shape >> SOCKET_NEW_SHAPE.TYPE_SHIFT]
    return {
      'evt.type': { oneOf: [name] },
      ...outcome(shape, NUMBER),
      ...NO_IO,
      ...NO_OPEN,
      'evt.arg[domain]': {
        words: Object.fromEntries(
          Object.entries(FAMILY_WORDS).map(([word, families]) => [word, families.includes(family)]),
        ),
      },
      ...(kind === undefined ? {} : { 'evt.rawarg[type]': { from: kind, to: kind } }),
    }
  },
})

const NO_SOCKET: Facts = {
  'fd.typechar': { noneOf: ['4', '6', 'n'] },
  'fd.type': { noneOf: ['ipv4', 'ipv6', 'netlink'] },
}

/** A descriptor of anything: the path of a file or the ends of a socket. */
const dupEvent = (name: string): GuardedEvent => ({
  name,
  id: idOf(name),
  shapes: upTo(8 << DUP_SHAPE.FAMILY_SHIFT),
  paths: FD_PATHS,
  ends: true,
  isLook: () => true,
  facts(shape) {
    const failed = hasFailed(shape)
    const stream = (shape >> DUP_SHAPE.RESULT_SHIFT) & 3
    const number: Fact = stream < 3 ? { oneOf: [stream] } : { from: 3, to: INT_MAX }
    const family = shape >> DUP_SHAPE.FAMILY_SHIFT
    return {
      'evt.type': { oneOf: [name] },
      ...outcome(shape, number),
      ...NO_OPEN,
      'fd.num': failed ? MINUS_ONE : number,
      ...(failed ? never(['fd.type', 'fd.typechar']) : {}),
      ...(!failed && family === SOCKET_FAMILIES.NONE ? NO_SOCKET : {}),
      ...(failed ? {} : typeFacts(FAMILY_TYPES[family])),
      ...(isInet(family) ? {} : never(END_FIELDS)),
      ...withoutPaths([...Object.keys(FD_PATHS), 'fd.nameraw']),
    }
  },
})

/** Events whose shape says more than how a call ended. */
const SHAPED: readonly GuardedEvent[] = [
  ...['open', 'creat', 'openat', 'openat2'].map(openEvent),
  ...['write', 'writev', 'pwrite64', 'ftruncate', 'copy_file_range'].map(writeEvent),
  ...['truncate', 'unlink', 'unlinkat', 'rmdir', 'chmod', 'fchmodat', 'fchmodat2'].map((name) =>
    namedEvent(name, NAMED),
  ),
  namedEvent('fchmod', { ...FD_PATHS, ...NAMED }, ['fd.nameraw']),
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat'].map((name) =>
    namedEvent(name, { ...SOURCE, ...TARGET, 'evt.arg[oldpath]': 'path', 'evt.arg[newpath]': 'path' }),
  ),
  // The target of a symbolic link is text, put together with the link's directory.
  ...['symlink', 'symlinkat'].map((name) =>
    namedEvent(name, { ...SOURCE, 'evt.arg[target]': 'raw', 'evt.arg[linkpath]': 'path' }, [
      'fs.path.target',
      'fs.path.targetraw',
    ]),
  ),
  ...['connect', 'bind', 'listen', 'accept', 'accept4'].map(socketEvent),
  ...['sendto', 'sendmsg', 'sendmmsg', 'recvfrom', 'recvmsg', 'recvmmsg'].map(messageEvent),
  ...['socket', 'socketpair'].map(newSocketEvent),
  ...['dup', 'dup2', 'dup3'].map(dupEvent),
  ...EXECUTIONS,
]

/** Every event whose program has a guard. */
export const GUARDED_EVENTS: ReadonlyMap<string, GuardedEvent> = new Map(
  [...SHAPED, ...callEvents(new Set(SHAPED.map(({ name }) => name)))].map((event) => [event.name, event]),
)
