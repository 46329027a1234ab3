/**
 * What happens in the capture of these tests, told in the events of captures that have beginnings and exits of calls: a shell
 * starts programs, which open, rename, connect, serve, and one of them lives in a container.
 */
import { addressOf, pairOf, type ScapInit, scapBlock, scapFront, text } from '../../src/testing/scap.ts'

const CONTAINER = 'b70ad26ce4ee0000000000000000000000000000000000000000000000000000'
export const SHELL = 100
export const CAT = 201
export const SERVER = 300
export const CONTAINED = 401

const FRONT: ScapInit = {
  processes: [
    {
      ...{ tid: 1, pid: 1, ptid: 0, comm: 'init', exe: '/sbin/init', exePath: '/usr/sbin/init', cwd: '/' },
      args: ['splash'],
    },
    {
      ...{ tid: SHELL, pid: SHELL, ptid: 1, sid: SHELL, vpgid: SHELL, comm: 'bash', exe: '-bash' },
      ...{ exePath: '/usr/bin/bash', cwd: '/home/alice', uid: 1000, gid: 1000, loginuid: 1000, tty: 34816 },
    },
    {
      ...{
        tid: SERVER,
        pid: SERVER,
        ptid: 1,
        comm: 'nginx',
        exe: 'nginx: worker',
        exePath: '/usr/sbin/nginx',
        cwd: '/',
      },
      ...{ uid: 33, gid: 33, args: ['-g', 'daemon off;'] },
    },
  ],
  files: {
    [SHELL]: { 0: '/dev/pts/0', 1: '/dev/pts/0', 2: '/dev/pts/0' },
    [SERVER]: { 2: '/var/log/nginx/error.log' },
  },
  users: [
    { uid: 0, gid: 0, name: 'root', home: '/root', shell: '/bin/bash' },
    { uid: 33, gid: 33, name: 'www-data', home: '/var/www', shell: '/usr/sbin/nologin' },
    { uid: 1000, gid: 1000, name: 'alice', home: '/home/alice', shell: '/bin/bash' },
    { gid: 1000, name: 'alice' },
  ],
}

type Values = Parameters<typeof scapBlock>[2]

/** Blocks of a story, one event after the other, a microsecond apart. */
class Teller {
  readonly blocks: Buffer[] = []
  #at = 0

  /** A call: what it begins with, and what it leaves. `exit` is the number of that event; `count` how many values it has. */
  call(tid: number, name: string, exit: number, enter: Values, values: Values, count?: number): void {
    this.#put(name, tid, 'enter', exit - 1, enter)
    this.#put(name, tid, 'exit', exit, values, count)
  }

  other(tid: number, name: string, number: number, values: Values, count?: number): void {
    this.#put(name, tid, 'other', number, values, count)
  }

  #put(
    name: string,
    tid: number,
    phase: 'enter' | 'exit' | 'other',
    number: number,
    values: Values,
    count?: number,
  ) {
    this.#at += 1000
    const rest = count === undefined ? {} : { count }
    this.blocks.push(scapBlock(name, { tid, at: this.#at, phase, number, cpu: tid % 2, ...rest }, values))
  }
}

const AT_FDCWD = -100
const RDONLY = 1
const WRONLY = 2
const CREAT = 4
const DIRECTORY = 1 << 10

interface Who {
  readonly exe: string
  readonly args?: readonly string[]
  readonly tid: number
  readonly ptid: number
  readonly comm: string
  readonly uid?: number
  readonly cgroups?: string
  readonly vpid?: number
}

const image = ({ exe, args = [], tid, ptid, comm, cgroups = '/user.slice' }: Who): Values => ({
  ...{ exe, args: text(...args), tid, pid: tid, ptid, cwd: '', fdlimit: 1024, comm },
  cgroups: text(`cpuset=/`, `memory=${cgroups}`),
})

/** A process forks: seen in the parent, then in the child. */
function fork(teller: Teller, parent: Who, child: Who, flags = 0): void {
  const ids = ({ uid = 0, tid, vpid = tid }: Who): Values => ({ flags, uid, gid: uid, vtid: vpid, vpid })
  teller.call(parent.tid, 'clone', 223, {}, { res: child.tid, ...image(parent), ...ids(parent) }, 20)
  teller.call(child.tid, 'clone', 223, {}, { res: 0, ...image({ ...child }), ...ids(child) }, 20)
}

function exec(teller: Teller, who: Who, filename: string, res = 0): void {
  const values = { res, ...image(who), env: text('PATH=/usr/bin', 'LANG=C'), tty: 34816, vpgid: who.tid }
  teller.call(who.tid, 'execve', 293, { filename }, { ...values, loginuid: 1000, flags: 0 }, 20)
}

function open(teller: Teller, tid: number, fd: number, name: string, flags: number, dirfd = AT_FDCWD): void {
  const values = { dirfd, name, flags, mode: 0o644 }
  teller.call(tid, 'openat', 307, values, { fd, ...values, dev: 0x801 }, 6)
}

const bash: Who = { tid: SHELL, ptid: 1, exe: '-bash', comm: 'bash', uid: 1000 }
const cat: Who = { tid: CAT, ptid: SHELL, exe: 'cat', args: ['/etc/shadow', '-n'], comm: 'cat', uid: 1000 }
const contained: Who = {
  ...{ tid: CONTAINED, ptid: SERVER, exe: '/bin/sh', args: ['-c', 'id'], comm: 'sh', uid: 0, vpid: 1 },
  cgroups: `/docker/${CONTAINER}`,
}

function files(teller: Teller): void {
  fork(teller, bash, { ...cat, exe: '-bash', args: [], comm: 'bash' })
  exec(teller, cat, '/usr/bin/cat')
  open(teller, CAT, 3, '/etc/shadow', RDONLY)
  teller.call(CAT, 'read', 7, { fd: 3, size: 4096 }, { res: 5, data: Buffer.from('root:') }, 2)
  teller.call(CAT, 'close', 5, { fd: 3 }, { res: 0 }, 1)
  open(teller, CAT, -13, '/etc/gshadow', RDONLY)
  open(teller, CAT, 3, '/var/log', RDONLY | DIRECTORY)
  open(teller, CAT, 4, 'syslog', WRONLY | CREAT, 3)
  teller.call(CAT, 'write', 9, { fd: 4, size: 6 }, { res: 6, data: Buffer.from('hello\n') }, 2)
  teller.call(CAT, 'dup', 125, { fd: 4 }, { res: 5 }, 1)
  teller.call(CAT, 'chdir', 95, {}, { res: 0, path: '/tmp' })
  open(teller, CAT, 6, 'notes/../todo', RDONLY)
  teller.call(CAT, 'rename', 175, {}, { res: 0, oldpath: '/tmp/a', newpath: '/tmp/b' })
  teller.call(CAT, 'unlinkat', 303, {}, { res: -2, dirfd: 3, name: 'old.log', flags: 0 })
  teller.call(CAT, 'mkdir', 277, { mode: 0o755 }, { res: 0, path: '/tmp/.hidden' }, 2)
  teller.call(CAT, 'symlink', 179, {}, { res: 0, target: '/etc', linkpath: '/tmp/etc' })
  teller.call(CAT, 'link', 309, {}, { res: 0, oldpath: '/etc/passwd', newpath: '/tmp/passwd' })
  teller.call(CAT, 'chmod', 315, {}, { res: 0, filename: '/tmp/run.sh', mode: 0o4755 })
  teller.call(CAT, 'fchmod', 317, {}, { res: 0, fd: 6, mode: 0o600 })
  teller.call(CAT, 'setuid', 199, { uid: 0 }, { res: -1 }, 1)
  teller.call(CAT, 'kill', 129, { pid: SERVER, sig: 15 }, { res: -1 }, 1)
  teller.call(CAT, 'syscall', 1, { ID: 72 }, { ID: 72 }, 1)
  teller.other(CAT, 'procexit', 186, { status: 256, ret: 1, sig: 0, core: 0 }, 4)
}

function network(teller: Teller): void {
  const curl: Who = {
    tid: 202,
    ptid: SHELL,
    exe: 'curl',
    args: ['https://example.com'],
    comm: 'curl',
    uid: 1000,
  }
  fork(teller, bash, { ...curl, exe: '-bash', args: [], comm: 'bash' })
  exec(teller, curl, '/usr/bin/curl')
  const inet = { domain: 2, type: 1, proto: 6 }
  teller.call(202, 'socket', 19, inet, { fd: 3 }, 1)
  const pair = pairOf('10.0.0.2:40000', '93.184.216.34:443')
  teller.call(202, 'connect', 23, { fd: 3, addr: addressOf('93.184.216.34:443') }, { res: 0, tuple: pair }, 2)
  teller.call(202, 'write', 9, { fd: 3, size: 3 }, { res: 3, data: Buffer.from('GET') }, 2)
  teller.call(202, 'socket', 19, { domain: 2, type: 2, proto: 17 }, { fd: 5 }, 1)
  const dns = pairOf('10.0.0.2:50000', '8.8.8.8:53')
  teller.call(
    202,
    'sendto',
    31,
    { fd: 5, size: 9, tuple: dns },
    { res: 9, data: Buffer.from('question!') },
    2,
  )
  teller.call(202, 'close', 5, { fd: 3 }, { res: 0 }, 1)
  teller.call(SERVER, 'socket', 19, inet, { fd: 6 }, 1)
  teller.call(SERVER, 'bind', 21, { fd: 6 }, { res: 0, addr: addressOf('0.0.0.0:80') }, 2)
  teller.call(SERVER, 'listen', 25, { fd: 6, backlog: 511 }, { res: 0 }, 1)
  const client = pairOf('10.0.0.9:51000', '10.0.0.2:80')
  teller.call(
    SERVER,
    'accept',
    249,
    { flags: 0 },
    { fd: 7, tuple: client, queuepct: 0, queuelen: 0, queuemax: 128 },
  )
  teller.call(
    SERVER,
    'recvfrom',
    35,
    { fd: 7, size: 64 },
    { res: 4, data: Buffer.from('GET '), tuple: client },
    3,
  )
}

function container(teller: Teller): void {
  const nginx: Who = {
    tid: SERVER,
    ptid: 1,
    exe: 'nginx: worker',
    args: ['-g', 'daemon off;'],
    comm: 'nginx',
    uid: 33,
  }
  fork(teller, nginx, { ...contained, exe: 'nginx: worker', args: ['-g', 'daemon off;'], comm: 'nginx' })
  exec(teller, contained, '/bin/sh')
  open(teller, CONTAINED, 3, '/etc/hostname', RDONLY)
  const inner: Who = { ...contained, tid: 402, ptid: CONTAINED, exe: 'id', args: [], comm: 'id', vpid: 2 }
  fork(teller, contained, { ...inner, exe: '/bin/sh', args: ['-c', 'id'], comm: 'sh' })
  exec(teller, inner, '/usr/bin/id')
  exec(teller, { ...inner, comm: 'id' }, '/usr/bin/nothing', -2)
  open(teller, 402, 3, '/etc/group', RDONLY)
  teller.other(402, 'procexit', 186, { status: 0, ret: 0, sig: 0, core: 0 }, 4)
}

/** The blocks of the whole story. */
export function story(): Buffer {
  const teller = new Teller()
  files(teller)
  network(teller)
  container(teller)
  return Buffer.concat([scapFront(FRONT), ...teller.blocks])
}
