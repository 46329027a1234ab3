/**
 * Random rules and events for tests of guards, and what the kernel side would look at for an event: its extraction in
 * TypeScript.
 */
import {
  FILE_KINDS,
  NAME_SHAPE,
  OPEN_SHAPE,
  OUTCOMES,
  SOCKET_FAMILIES,
  SOCKET_SHAPE,
  WRITE_SHAPE,
} from '../../schema/guard.ts'
import type { FieldValue, RecordInit } from '../decode/encode.ts'
import type { GuardInput, GuardPath } from '../guards/tables.ts'
import { event } from './events.ts'

/** Numbers that look random and are the same for the same seed. */
export function createRandom(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const below = (n: number): number => next() % n
  return {
    below,
    chance: (percent: number): boolean => below(100) < percent,
    pick: <T>(list: readonly T[]): T => list[below(list.length)]!,
  }
}
export type Random = ReturnType<typeof createRandom>

const COMPONENTS = [
  ...['etc', 'etcx', 'pam.d', 'shadow', 'passwd', 'x.service', 'y.conf', '.ssh', 'usr', 'a', 'tmp', 'é.txt'],
  ...['..', '.', '', 'z.conf (deleted)', '...', '.conf', 'end.', 'n'.repeat(40), `${'n'.repeat(40)}.conf`],
  'a.longextension1',
]
const CLEAN = COMPONENTS.filter((name) => !['..', '.', ''].includes(name))

const joined = (random: Random, from: readonly string[], most: number): string =>
  Array.from({ length: 1 + random.below(most) }, () => random.pick(from)).join('/')

/** An absolute path as the kernel has it. */
const cleanPath = (random: Random): string => `/${joined(random, CLEAN, 4)}`
/** A directory as the kernel has it. */
const directory = (random: Random): string => (random.chance(15) ? '/' : cleanPath(random))
/** Anything a caller may pass. */
function givenName(random: Random): string {
  const name = joined(random, random.chance(60) ? CLEAN : COMPONENTS, random.chance(3) ? 40 : 4)
  return random.chance(50) ? `/${name}` : name
}

const OPENS = ['open', 'openat', 'openat2', 'creat']
const WRITES = ['write', 'writev', 'pwrite64', 'ftruncate', 'copy_file_range']
const NAMED = ['truncate', 'unlink', 'unlinkat', 'rmdir', 'chmod', 'fchmodat']
const TWO = ['rename', 'renameat2', 'link', 'linkat']
const SOCKETS = ['connect', 'bind', 'accept']
export const EVENTS: readonly string[] = [
  ...OPENS,
  ...WRITES,
  ...NAMED,
  ...TWO,
  ...SOCKETS,
  'symlink',
  'fchmod',
]

const ERRNOS = [-1, -2, -13, -115, -22]
const FLAGS = [0, 1, 2, 3, 0o100, 0o1000, 0o10000000, 0o20200000, 0o101, 0o1101, 0o200000, 0o2000000]
const MODES = [0o100644, 0o40755, 0o20666, 0o60660, 0o10600, 0o140777, 0, 0o600]
/** What has no path, with its mode. */
const OBJECTS: readonly (readonly [name: string, mode: number])[] = [
  ['pipe:[7]', 0o10600],
  ['socket:[9]', 0o140777],
  ['anon_inode:[eventfd]', 0o600],
  ['memfd:a.conf', 0o100777],
]

type Fields = Record<string, FieldValue>
/** An event, and what the guard sees of it. */
export interface GuardCase {
  readonly record: RecordInit
  readonly input: GuardInput
}

/** A random event with its guard's input. */
export function randomCase(random: Random): GuardCase {
  const name = random.pick(EVENTS)
  const failed = random.chance(30)
  const ret = failed ? random.pick(ERRNOS) : OPENS.includes(name) || name === 'accept' ? 3 : 0
  if (OPENS.includes(name)) return openCase(random, name, ret)
  if (WRITES.includes(name) || name === 'fchmod') return objectCase(random, name, ret)
  if (SOCKETS.includes(name)) return socketCase(random, name, ret)
  return namesCase(random, name, ret)
}

const outcomeOf = (ret: number): number =>
  ret >= 0 ? OUTCOMES.OK : ret === -1 || ret === -13 ? OUTCOMES.DENIED : OUTCOMES.FAILED

const split = (path: string): { readonly directory: string; readonly name: string } => {
  const slash = path.lastIndexOf('/')
  return { directory: path.slice(0, slash + 1), name: path.slice(slash + 1) }
}
const withSlash = (path: string): string => (path === '/' ? '/' : `${path}/`)

/** A name that starts from a directory when it is relative, with the record's fields for both. */
function given(random: Random, field: string, dirField: string): { fields: Fields; path: GuardPath } {
  const name = givenName(random)
  if (name.startsWith('/'))
    return { fields: { [field]: name }, path: { name, start: undefined, resolved: undefined } }
  const start = random.chance(95) ? directory(random) : undefined
  return {
    fields: { [field]: name, ...(start === undefined ? {} : { [dirField]: start }) },
    path: { name, start: start && withSlash(start), resolved: undefined },
  }
}

function openCase(random: Random, name: string, ret: number): GuardCase {
  const flags = name === 'creat' ? 0o1101 : random.pick(FLAGS) | random.pick(FLAGS)
  const { fields, path } = given(random, 'name', 'dir')
  const real = random.chance(50) ? cleanPath(random) : `${withSlash(directory(random))}${random.pick(CLEAN)}`
  const removed = random.chance(5)
  const shape =
    outcomeOf(ret) |
    ((flags & 3) << OPEN_SHAPE.ACCESS_SHIFT) |
    ((flags & (0o100 | 0o20000000)) !== 0 ? OPEN_SHAPE.CREATES : 0) |
    ((flags & 0o1000) !== 0 ? OPEN_SHAPE.TRUNC : 0) |
    ((flags & 0o10000000) !== 0 ? OPEN_SHAPE.PATH : 0)
  const record = event(
    name,
    {},
    {
      fd: ret,
      dirfd: -100,
      flags,
      mode: random.pick([0, 0o755, 0o644]),
      ...fields,
      ...(ret < 0
        ? {}
        : {
            path: removed ? `${real} (deleted)` : real,
            path_flags: 1,
            i_mode: random.pick(MODES),
            // No file is created by an open that does not ask for it.
            f_mode: (shape & OPEN_SHAPE.CREATES) !== 0 && random.chance(50) ? 0x100000 : 0,
          }),
    },
  )
  return {
    record,
    input: { event: name, shape, paths: [{ ...path, resolved: ret < 0 ? undefined : split(real) }] },
  }
}

const KINDS: Readonly<Record<number, number>> = {
  16807: FILE_KINDS.REG,
  9604: FILE_KINDS.DIR,
  4802: FILE_KINDS.CHR,
  14406: FILE_KINDS.BLK,
  2401: FILE_KINDS.FIFO,
  26411: FILE_KINDS.SOCK,
}

function objectCase(random: Random, name: string, ret: number): GuardCase {
  const pathless = random.chance(15)
  const [real, mode] = pathless ? random.pick(OBJECTS) : ([cleanPath(random), random.pick(MODES)] as const)
  const chmod = random.pick([0o644, 0o4755, 0o2755])
  const isChmod = name === 'fchmod'
  const shape =
    outcomeOf(ret) |
    (isChmod
      ? (chmod & 0o6000) !== 0
        ? NAME_SHAPE.SETS_ID
        : 0
      : (KINDS[mode & 0o170000] ?? FILE_KINDS.OTHER) << WRITE_SHAPE.KIND_SHIFT)
  const fields: Fields = isChmod ? { fd: 3, mode: chmod } : { fd: 3, i_mode: mode, size: 1 }
  const record = event(name, {}, { res: ret, ...fields, path: real, path_flags: 1 })
  return {
    record,
    input: { event: name, shape, paths: pathless ? OBJECT : [{ ...NOTHING, resolved: split(real) }] },
  }
}

const NOTHING: GuardPath = { name: undefined, start: undefined, resolved: undefined }
/** A file in no directory: its name is not asked for. */
const OBJECT: readonly GuardPath[] = [{ name: '..', start: undefined, resolved: undefined }]

function namesCase(random: Random, name: string, ret: number): GuardCase {
  const mode = random.pick([0o644, 0o4755, 0o2755])
  const chmod = name.includes('chmod')
  const two = TWO.includes(name)
  const field = two ? 'oldpath' : chmod ? 'filename' : name === 'symlink' ? 'linkpath' : 'name'
  const first = given(random, field, two ? 'olddir' : 'dir')
  const second = two ? given(random, 'newpath', 'newdir') : undefined
  const fields = { ...first.fields, ...second?.fields, ...(chmod ? { mode } : {}) }
  const record = event(
    name,
    {},
    { res: ret, ...fields, ...(name === 'symlink' ? { target: givenName(random) } : {}) },
  )
  const shape = outcomeOf(ret) | (chmod && (mode & 0o6000) !== 0 ? NAME_SHAPE.SETS_ID : 0)
  return { record, input: { event: name, shape, paths: [first.path, ...(second ? [second.path] : [])] } }
}

const FAMILIES: Readonly<Record<number, number>> = {
  1: SOCKET_FAMILIES.UNIX,
  2: SOCKET_FAMILIES.INET,
  10: SOCKET_FAMILIES.INET6,
  16: SOCKET_FAMILIES.NETLINK,
}

function socketCase(random: Random, name: string, ret: number): GuardCase {
  const family = random.pick([0, 1, 2, 10, 16, 38])
  const outcome = ret === -115 ? OUTCOMES.IN_PROGRESS : outcomeOf(ret)
  const shape = outcome | ((FAMILIES[family] ?? SOCKET_FAMILIES.OTHER) << SOCKET_SHAPE.FAMILY_SHIFT)
  const unix = family === 1 ? { unix_path: cleanPath(random) } : {}
  const record = event(name, {}, { res: ret, fd: 4, family, addr_family: random.pick([0, family]), ...unix })
  return { record, input: { event: name, shape, paths: [] } }
}

const PATH_FIELDS = [
  ...['fd.name', 'fd.name', 'fd.realpath', 'fd.directory', 'fd.filename', 'fd.nameraw'],
  ...['fs.path.name', 'fs.path.name', 'fs.path.source', 'fs.path.target'],
]

/** Text of a random test. */
function randomTest(random: Random): string {
  if (random.chance(55)) return pathTestText(random)
  return random.pick([
    `evt.type = ${random.pick(EVENTS)}`,
    `evt.type in (${random.pick(EVENTS)}, ${random.pick(EVENTS)}, openat, write)`,
    `evt.is_open_${random.pick(['read', 'write', 'create', 'exec'])} = ${random.chance(70)}`,
    `evt.is_io_write = ${random.chance(50)}`,
    `evt.failed = ${random.chance(50)}`,
    `evt.rawres ${random.pick(['=', '!=', '<', '<=', '>', '>='])} ${random.pick([0, -1, -13, 3])}`,
    `evt.res ${random.pick(['=', '!='])} ${random.pick(['SUCCESS', 'EACCES', 'ENOENT', 'EINPROGRESS'])}`,
    `evt.res in (EACCES, EPERM)`,
    `fd.num ${random.pick(['>=', '<', '='])} ${random.pick([0, 3])}`,
    `fd.type ${random.pick(['=', '!='])} ${random.pick(['file', 'pipe', 'unix', 'ipv4', 'directory'])}`,
    `fd.typechar in (${random.pick(['f', '4', 'u'])}, ${random.pick(['d', '6', 'p'])})`,
    `evt.arg.flags contains ${random.pick(['O_PATH', 'O_TRUNC', 'O_CREAT', 'O_RDWR', 'O_RDONLY'])}`,
    `evt.arg.mode contains anyof (S_ISUID, S_ISGID)`,
    `proc.name = cat`,
    `proc.name exists`,
  ])
}

const quoted = (text: string): string => JSON.stringify(text)

function pathTestText(random: Random): string {
  const field = random.pick(PATH_FIELDS)
  const part =
    field === 'fd.filename' ? random.pick(CLEAN) : random.chance(20) ? directory(random) : cleanPath(random)
  const cut = part.slice(0, 1 + random.below(part.length))
  const tail = part.slice(random.below(part.length))
  return random.pick([
    `${field} = ${quoted(part)}`,
    `${field} != ${quoted(part)}`,
    `${field} in (${quoted(part)}, ${quoted(cleanPath(random))})`,
    `${field} startswith ${quoted(cut)}`,
    `${field} startswith anyof (${quoted(cut)}, ${quoted(directory(random))})`,
    `${field} endswith ${quoted(tail)}`,
    `${field} endswith anyof (${quoted(tail)}, ".conf")`,
    `${field} contains ${quoted(random.pick(CLEAN))}`,
    `${field} glob ${quoted(`${cut}*`)}`,
    `${field} glob ${quoted(`*${tail}`)}`,
    `${field} glob ${quoted(`${cut}?*${tail}`)}`,
    `${field} pmatch (${quoted(part)}, ${quoted(cleanPath(random))})`,
    `${field} pmatch (${quoted(`${directory(random)}/*/${random.pick(CLEAN)}`)})`,
    `${field} exists`,
  ])
}

/** Text of a random condition. */
export function randomCondition(random: Random, depth = 3): string {
  if (depth === 0 || random.chance(20)) return randomTest(random)
  const parts = Array.from({ length: 2 + random.below(2) }, () => {
    const inner = randomCondition(random, depth - 1)
    return random.chance(20) ? `not (${inner})` : `(${inner})`
  })
  return parts.join(random.chance(65) ? ' and ' : ' or ')
}
