/** Random rules and events for tests of guards. */
import { FILE_TYPES } from '../../schema/enums/index.ts'
import type { FieldValue, RecordInit } from '../decode/encode.ts'
import { type Actor, address, event, execve, INIT } from './events.ts'
import { argumentTest, CALLS, callFields, isCall, numberFields } from './guard-calls.ts'

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
export const CLEAN = COMPONENTS.filter((name) => !['..', '.', ''].includes(name))

const joined = (random: Random, from: readonly string[], most: number): string =>
  Array.from({ length: 1 + random.below(most) }, () => random.pick(from)).join('/')

/** An absolute path as the kernel has it. */
const cleanPath = (random: Random): string => `/${joined(random, CLEAN, 4)}`
/** A directory as the kernel has it. */
const directory = (random: Random): string => (random.chance(15) ? '/' : cleanPath(random))
/** Anything a caller may pass. */
export function givenName(random: Random): string {
  const name = joined(random, random.chance(60) ? CLEAN : COMPONENTS, random.chance(3) ? 40 : 4)
  return random.chance(50) ? `/${name}` : name
}

const OPENS = ['open', 'openat', 'openat2', 'creat']
const WRITES = ['write', 'writev', 'pwrite64', 'ftruncate', 'copy_file_range']
const NAMED = ['truncate', 'unlink', 'unlinkat', 'rmdir', 'chmod', 'fchmodat', 'fchmodat2']
const TWO = ['rename', 'renameat2', 'link', 'linkat']
const SOCKETS = ['connect', 'bind', 'accept', 'accept4', 'listen']
const NEW_SOCKETS = ['socket', 'socketpair']
const MESSAGES = ['sendto', 'recvmsg']
const DUPS = ['dup', 'dup2', 'dup3']
const EXECS = ['execve', 'execveat'] as const
export const EVENTS: readonly string[] = [
  ...OPENS,
  ...WRITES,
  ...NAMED,
  ...TWO,
  ...SOCKETS,
  ...NEW_SOCKETS,
  ...MESSAGES,
  ...DUPS,
  'symlink',
  'fchmod',
  ...EXECS,
  ...CALLS,
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

/** Processes of random events, children of one another. */
const ACTORS: readonly Actor[] = [
  { pid: 100, start: 5_000_000_007, uid: 1000 },
  { pid: 101, start: 5_000_000_008, uid: 0 },
  { pid: 102, start: 5_000_000_009, uid: 33 },
]
/** As in the passwd file of the tests' world. */
const USERS = ['root', 'www-data', 'alice', 'a', 'nobody']
const COMMS = ['cat', 'nginx', 'sh', 'raw', 'runc:[1:CHILD]']
const IMAGES = [
  '/usr/bin/cat',
  '/usr/sbin/nginx',
  '/tmp/x',
  '/usr/bin/',
  'memfd:a',
  `/${'d/'.repeat(130)}x`,
  '/tmp/x (deleted)',
]
/** The end of an executable's path. */
const ending = (random: Random): string => {
  const path = random.pick([...IMAGES, '/build/raw'])
  return random.pick([path.slice(path.lastIndexOf('/')), path.slice(random.below(path.length))])
}
const CONTAINER = `/docker/${'0123456789abcdef'.repeat(4)}`

/** A process becomes another one, or fails to. */
export function randomExec(random: Random, name = random.pick(EXECS), res = 0): RecordInit {
  const at = random.below(ACTORS.length)
  const cwd = directory(random)
  return execve({
    name,
    res,
    by: ACTORS[at]!,
    cwd: random.chance(10) ? `${cwd} (deleted)` : cwd,
    argv: random.pick([[givenName(random), '-x'], [cleanPath(random)], [''], []]),
    parent: at === 0 ? INIT : ACTORS[at - 1]!,
    path: random.pick(IMAGES),
    comm: random.pick(COMMS),
    cgroup: random.chance(30) ? CONTAINER : '/user.slice',
    fields: {
      tty: random.pick([0, 0x8801]),
      loginuid: random.pick([-1, 0, 33, 1000]),
      ...(res < 0 ? {} : { exe_flags: random.below(32) & random.below(32) }),
    },
  })
}

/** A random event of one of the processes. */
export function randomEvent(random: Random): RecordInit {
  const name = random.pick(EVENTS)
  const failed = random.chance(30)
  const ret = failed ? random.pick(ERRNOS) : OPENS.includes(name) || name === 'accept' ? 3 : 0
  const exec = EXECS.find((each) => each === name)
  if (exec !== undefined) return randomExec(random, exec, Math.min(ret, 0))
  const fields = { ...fieldsOf(random, name, ret), ...numberFields(random, name) }
  return event(name, { by: random.pick(ACTORS) }, fields)
}

function fieldsOf(random: Random, name: string, ret: number): Fields {
  if (isCall(name)) {
    const ends = name.startsWith('net_') ? endFields(random, random.pick([2, 10])) : {}
    return { ...callFields(random, name, ret, given, text), ...ends }
  }
  if (OPENS.includes(name)) return openFields(random, name, ret)
  if (WRITES.includes(name) || name === 'fchmod') return { res: ret, ...objectFields(random, name) }
  if (MESSAGES.includes(name)) return { res: ret, ...messageFields(random) }
  if (DUPS.includes(name)) return dupFields(random, ret)
  if (NEW_SOCKETS.includes(name)) return { res: ret, fd: ret, fd2: -1, ...newSocketFields(random) }
  if (SOCKETS.includes(name)) return { res: ret, ...socketFields(random) }
  return { res: ret, ...namesFields(random, name) }
}

const withSlash = (path: string): string => (path === '/' ? '/' : `${path}/`)

/** A name, and the directory it starts from when it is relative. */
function given(random: Random, field: string, dirField: string): Fields {
  const name = givenName(random)
  return {
    [field]: name,
    ...(name.startsWith('/') || random.chance(5) ? {} : { [dirField]: directory(random) }),
  }
}

/** A path that the kernel has for an object, or text that is no name. */
function text(random: Random, field: string, isKernels: boolean): Fields {
  if (!isKernels) return { [field]: givenName(random) }
  const path = random.chance(15) ? random.pick(OBJECTS)[0] : cleanPath(random)
  return { [field]: path, path_flags: 1 }
}

function openFields(random: Random, name: string, fd: number): Fields {
  const flags = name === 'creat' ? 0o1101 : random.pick(FLAGS) | random.pick(FLAGS)
  const creates = (flags & (0o100 | 0o20000000)) !== 0
  const real = random.chance(50) ? cleanPath(random) : `${withSlash(directory(random))}${random.pick(CLEAN)}`
  const removed = random.chance(5)
  const object = {
    path: removed ? `${real} (deleted)` : real,
    path_flags: removed ? 9 : 1,
    i_mode: random.pick(MODES),
    // No file is created by an open that does not ask for it.
    f_mode: creates && random.chance(50) ? 0x100000 : 0,
  }
  return {
    fd,
    dirfd: -100,
    flags,
    mode: random.pick([0, 0o755, 0o644, 0o4755]),
    ...given(random, 'name', 'dir'),
    ...(fd < 0 ? {} : object),
  }
}

function objectFields(random: Random, name: string): Fields {
  const pathless = random.chance(15)
  const [path, mode] = pathless ? random.pick(OBJECTS) : ([cleanPath(random), random.pick(MODES)] as const)
  const own = name === 'fchmod' ? { mode: random.pick([0o644, 0o4755, 0o2755]) } : { i_mode: mode, size: 1 }
  return { fd: 3, ...own, path, path_flags: 1 }
}

function namesFields(random: Random, name: string): Fields {
  const chmod = name.includes('chmod')
  const two = TWO.includes(name)
  const field = two ? 'oldpath' : chmod ? 'filename' : name === 'symlink' ? 'linkpath' : 'name'
  return {
    ...given(random, field, two ? 'olddir' : 'dir'),
    ...(two ? given(random, 'newpath', 'newdir') : {}),
    ...(chmod ? { mode: random.pick([0o644, 0o4755, 0o2755]) } : {}),
    ...(name === 'symlink' ? { target: givenName(random) } : {}),
  }
}

const newSocketFields = (random: Random): Fields => ({
  domain: random.pick([0, 1, 2, 10, 16, 17, 38]),
  type: random.pick([1, 2, 3, 5]),
  proto: random.pick([0, 6, 17]),
})

const messageFields = (random: Random): Fields => ({
  ...socketFields(random),
  type: random.pick([1, 2]),
  socket_facts: random.below(16),
  addr_ip: address(random.pick(ADDRESSES)),
  addr_port: random.pick(PORTS),
})

function dupFields(random: Random, failed: number): Fields {
  if (failed < 0) return { res: failed, oldfd: 3, newfd: 4 }
  const res = random.pick([0, 1, 2, 3, 9])
  if (random.chance(50)) {
    const { path = '', i_mode: mode = 0 } = objectFields(random, 'write')
    // A socket has no path of its own.
    const own = mode === (FILE_TYPES.S_IFSOCK | 0o777) ? 0o100644 : mode
    return { res, oldfd: 3, newfd: res, path, i_mode: own, path_flags: 1 }
  }
  const { fd: _, addr_family: _family, ...socket } = socketFields(random)
  return { res, oldfd: 3, newfd: res, i_mode: 0o140777, socket_facts: random.below(16), ...socket }
}

const ADDRESSES = ['127.0.0.1', '10.1.2.3', '10.9.9.9', '0.0.0.0', '::1', 'fe80::1', '::', '8.8.8.8']
const ADDRESSES_4 = ADDRESSES.filter((text) => !text.includes(':'))
const PORTS = [0, 22, 80, 4444, 50000]

const endFields = (random: Random, family: number): Fields => ({
  family,
  laddr: address(random.pick(family === 2 ? ADDRESSES_4 : ADDRESSES)),
  raddr: address(random.pick(family === 2 ? ADDRESSES_4 : ADDRESSES)),
  lport: random.pick(PORTS),
  rport: random.pick(PORTS),
})

function socketFields(random: Random): Fields {
  const family = random.pick([0, 1, 2, 2, 2, 10, 10, 16, 38])
  return {
    fd: 4,
    addr_family: random.pick([0, family]),
    ...(family === 2 || family === 10 ? endFields(random, family) : { family }),
    ...(family === 1 ? { unix_path: cleanPath(random) } : {}),
  }
}

/** Text of a random test of a process. */
const processTest = (random: Random): string =>
  random.pick([
    `proc.name = ${quoted(random.pick(COMMS))}`,
    `proc.name != ${quoted(random.pick(COMMS))}`,
    `proc.name in (${quoted(random.pick(COMMS))}, dd)`,
    `proc.pname in (${quoted(random.pick(COMMS))}, init)`,
    `proc.pname != sh`,
    `proc.aname = ${random.pick(COMMS.slice(0, 3))}`,
    `proc.aname[2] = ${random.pick(COMMS.slice(0, 3))}`,
    `proc.exepath = ${quoted(random.pick(IMAGES))}`,
    `proc.exepath startswith ${quoted(random.pick(IMAGES).slice(0, 6))}`,
    `proc.exepath in (${quoted(random.pick(IMAGES))}, /bin/x)`,
    `proc.exepath pmatch (/usr/bin, ${quoted(random.pick(['/tmp', '/usr']))})`,
    `proc.exepath glob ${quoted(`${random.pick(IMAGES).slice(0, 8)}*`)}`,
    `proc.exepath glob ${quoted(`*${ending(random)}`)}`,
    `proc.exepath endswith ${quoted(ending(random))}`,
    `proc.exepath endswith anyof (${quoted(ending(random))}, /x)`,
    `basename(proc.exepath) ${random.pick(['=', '!='])} ${random.pick(['cat', 'x', 'raw', '"memfd:a"'])}`,
    `basename(proc.exepath) in (nginx, ${random.pick(['cat', 'raw'])})`,
    `container.id ${random.pick(['=', '!='])} host`,
    `container.id = 0123456789ab`,
    `user.uid ${random.pick(['=', '!=', '<', '<=', '>', '>='])} ${random.pick([0, 33, 1000])}`,
    `user.uid in (0, 33)`,
    `proc.is_exe_${random.pick(['writable', 'upper_layer', 'lower_layer', 'from_memfd', 'deleted'])} = ${random.chance(70)}`,
    `proc.tty ${random.pick(['=', '!=', '>'])} 0`,
    `user.loginuid ${random.pick(['=', '!=', '<', '<=', '>', '>='])} ${random.pick([-1, 0, 1000])}`,
    `user.loginuid in (-1, 33)`,
    `user.loginname ${random.pick(['=', '!='])} ${random.pick(USERS)}`,
    `user.name ${random.pick(['=', '!=', 'startswith', 'contains'])} ${random.pick(USERS)}`,
    `user.name in (${random.pick(USERS)}, nobody)`,
    'user.name exists',
  ])

const ROLES = ['', 'c', 's', 'l', 'r']
const NETS = ['127.0.0.0/8', '10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '::/0', 'fe80::/10']

/** Text of a random test of the ends of a socket. */
function socketTest(random: Random): string {
  const role = random.pick(ROLES)
  return random.pick([
    `fd.${role}port ${random.pick(['=', '!=', '<', '<=', '>', '>='])} ${random.pick(PORTS)}`,
    `fd.${role}port in (22, ${random.pick(PORTS)})`,
    `fd.${role}ip ${random.pick(['=', '!='])} ${quoted(random.pick(ADDRESSES))}`,
    `fd.${role}ip in (${quoted(random.pick(ADDRESSES))}, 8.8.8.8)`,
    `fd.${role}net ${random.pick(['=', '!='])} ${quoted(random.pick(NETS))}`,
    `fd.${role}net in (${quoted(random.pick(NETS))}, 10.0.0.0/8)`,
  ])
}

const PATH_FIELDS = [
  ...['fd.name', 'fd.name', 'fd.realpath', 'fd.directory', 'fd.filename', 'fd.nameraw'],
  ...['fs.path.name', 'fs.path.name', 'fs.path.source', 'fs.path.target'],
  ...['proc.exe', 'proc.cwd'],
]

/** Text of a random test. */
function randomTest(random: Random): string {
  if (random.chance(45)) return pathTestText(random)
  if (random.chance(45)) return processTest(random)
  if (random.chance(30)) return socketTest(random)
  if (random.chance(40)) return argumentTest(random)
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
    `evt.rawarg.mode ${random.pick(['glob "0[2-7]???"', 'glob "0[4]?[0-7]5"', 'glob "0?755"', '= 04755', 'in (02755, 0644)'])}`,
    `evt.arg.domain contains ${random.pick(['AF_PACKET', 'AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_X25'])}`,
    `evt.arg.domain = ${random.pick(['AF_PACKET', 'AF_INET', '17'])}`,
    `evt.arg.type = ${random.pick([1, 3])}`,
    `evt.rawarg.type = ${random.pick([1, 3])}`,
    `proc.name exists`,
    `evt.arg.${random.pick(['oldpath', 'newpath', 'target', 'linkpath', 'name'])} = ${quoted(cleanPath(random))}`,
    `evt.arg.${random.pick(['oldpath', 'target', 'name'])} startswith ${quoted(cleanPath(random))}`,
  ])
}

const quoted = (text: string): string => JSON.stringify(text)

function pathTestText(random: Random): string {
  const field = random.pick(PATH_FIELDS)
  const path = random.chance(20) ? directory(random) : cleanPath(random)
  const part =
    field === 'fd.filename'
      ? random.pick(CLEAN)
      : field === 'proc.exe'
        ? givenName(random)
        : field === 'proc.cwd' && random.chance(70)
          ? withSlash(path)
          : path
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

/** Text of a condition as rules have them: some event types, and a few things about them. */
export function randomRule(random: Random): string {
  const types = Array.from({ length: 6 }, () => random.pick(EVENTS)).join(', ')
  const parts = Array.from(
    { length: 2 + random.below(2) },
    () => `(${randomCondition(random, random.below(2))})`,
  )
  return [`evt.type in (${types})`, ...parts].join(' and ')
}
