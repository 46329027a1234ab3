/**
 * A scap capture of any length, the same in every run: programs that are started, a compiler's and a search's many small
 * files, a loop of open, read and close, connections. One round of it is made once and written again and again, each time
 * later, and with other names in a twentieth of the opens.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { SCAP_EVENTS } from '../../schema/scap/index.ts'
import {
  block,
  eventBlock,
  machineBlock,
  Packer,
  type ParamValue,
  type ProcessInit,
  processEntry,
  sectionBlock,
  userEntry,
} from '../capture/scap/encode.ts'

/** 2026-01-01T00:00:00Z */
const START = 1_767_225_600_000_000_000n
const GAP_NS = 700n
const TIME_AT = 10
/** What stands for a name that is new in each round: its digits are filled in. */
const FRESH = '#0000000'

type Values = Readonly<Record<string, ParamValue>>

/** By name: the latest exit of a call, or what is no call. */
const NUMBERS: ReadonlyMap<string, number> = new Map(
  SCAP_EVENTS.filter(({ phase }) => phase === 'exit' || phase === 'other').map(({ name, number }) => [
    name,
    number,
  ]),
)

/** Blocks of one round. */
class Round {
  readonly #blocks: Buffer[] = []
  #time = START

  tell(tid: number, name: string, values: Values): void {
    const number = NUMBERS.get(name)!
    const params = SCAP_EVENTS[number]!.params.map((param) => values[param.name])
    this.#time += GAP_NS
    this.#blocks.push(eventBlock({ number, time: this.#time, tid, cpu: tid % 2, params }))
  }

  get blocks(): readonly Buffer[] {
    return this.#blocks
  }
}

const AT_FDCWD = -100
const joined = (words: readonly string[]): string => words.map((word) => `${word}\0`).join('')

interface Who {
  readonly tid: number
  readonly ptid: number
  readonly comm: string
  readonly exe: string
  readonly args: readonly string[]
}
const SHELL: Who = { tid: 100, ptid: 1, comm: 'bash', exe: 'bash', args: [] }
const CGROUPS = joined([
  'cpuset=/',
  'cpu=/user.slice/user-1000.slice',
  'memory=/user.slice/user-1000.slice/session-1.scope',
])

const image = ({ tid, ptid, comm, exe, args }: Who): Values => ({
  ...{ exe, args: joined(args), tid, pid: tid, ptid, cwd: '', fdlimit: 1024, pgft_maj: 0, pgft_min: 200 },
  ...{ vm_size: 9000, vm_rss: 1200, vm_swap: 0, comm, cgroups: CGROUPS, uid: 1000, gid: 1000 },
})

/** A program is started by the shell; it loads its libraries. */
function start(round: Round, who: Who, path: string): void {
  const ids = { flags: 0, vtid: who.tid, vpid: who.tid, pidns_init_start_ts: 0 }
  round.tell(100, 'clone', { res: who.tid, ...image(SHELL), ...ids, vtid: 100, vpid: 100 })
  round.tell(who.tid, 'clone', { res: 0, ...image({ ...SHELL, tid: who.tid, ptid: 100 }), ...ids })
  const facts = {
    env: joined(['PATH=/usr/bin', 'HOME=/home/alice']),
    tty: 34816,
    vpgid: who.tid,
    loginuid: 1000,
    flags: 0,
  }
  const file = {
    exe_ino: 7,
    exe_ino_ctime: START,
    exe_ino_mtime: START,
    trusted_exepath: path,
    filename: path,
  }
  round.tell(who.tid, 'execve', { res: 0, ...image(who), ...facts, ...file, pgid: who.tid })
  for (const library of [
    '/etc/ld.so.cache',
    '/lib/x86_64-linux-gnu/libc.so.6',
    '/lib/x86_64-linux-gnu/libm.so.6',
  ]) {
    open(round, who.tid, 3, library)
    round.tell(who.tid, 'read', { res: 832, data: Buffer.alloc(80), fd: 3, size: 832 })
    round.tell(who.tid, 'fstat', { res: 0, fd: 3 })
    for (let i = 0; i < 4; i++)
      round.tell(who.tid, 'mmap', {
        res: 0,
        addr: 0,
        length: 4096,
        prot: 5,
        flags: 2,
        fd: 3,
        offset: 0,
        vm_size: 9000,
      })
    round.tell(who.tid, 'close', { res: 0, fd: 3 })
  }
}

function open(round: Round, tid: number, fd: number, name: string, flags = 1): void {
  round.tell(tid, 'openat', { fd, dirfd: AT_FDCWD, name, flags, mode: 0, dev: 0x801, ino: 4711 })
}

function use(round: Round, tid: number, name: string, reads: number): void {
  open(round, tid, 3, name)
  round.tell(tid, 'fstat', { res: 0, fd: 3 })
  for (let i = 0; i < reads; i++)
    round.tell(tid, 'read', { res: 80, data: Buffer.alloc(80), fd: 3, size: 4096 })
  round.tell(tid, 'close', { res: 0, fd: 3 })
}

/** Events of one round: about 6,000. */
function events(): readonly Buffer[] {
  const round = new Round()
  const programs: readonly (readonly [Who, string])[] = ['gcc', 'find', 'grep', 'curl', 'true', 'sed'].map(
    (comm, i) => [
      { tid: 200 + i, ptid: 100, comm, exe: comm, args: ['-o', `${comm}.out`, 'src'] },
      `/usr/bin/${comm}`,
    ],
  )
  for (const [who, path] of programs) {
    start(round, who, path)
    for (let i = 0; i < 60; i++) {
      const fresh = i % 20 === 0
      use(round, who.tid, fresh ? `/usr/include/new/${FRESH}.h` : `/usr/include/sys/header-${i}.h`, 2)
      round.tell(who.tid, 'newfstatat', {
        res: 0,
        dirfd: AT_FDCWD,
        path: `/usr/share/doc/package-${i}`,
        flags: 0,
      })
      if (i % 8 === 0) {
        open(round, who.tid, 4, `/usr/share/dir-${i}`, 1 | (1 << 10))
        round.tell(who.tid, 'getdents64', { res: 400, fd: 4 })
        round.tell(who.tid, 'close', { res: 0, fd: 4 })
      }
      if (i % 10 === 0) round.tell(who.tid, 'write', { res: 12, data: Buffer.alloc(12), fd: 1, size: 12 })
    }
    const tuple = new Packer()
      .u8(2)
      .raw(Buffer.of(10, 0, 0, 2))
      .u16(40000)
      .raw(Buffer.of(10, 0, 0, 9))
      .u16(443)
    round.tell(who.tid, 'socket', { fd: 5, domain: 2, type: 1, proto: 6 })
    round.tell(who.tid, 'connect', { res: 0, tuple: tuple.done(), fd: 5 })
    round.tell(who.tid, 'close', { res: 0, fd: 5 })
    round.tell(who.tid, 'procexit', { status: 0, ret: 0, sig: 0, core: 0, reaper_tid: 100 })
  }
  // The loop that the peer was measured with.
  for (let i = 0; i < 700; i++) use(round, 100, '/etc/hostname', 1)
  return round.blocks
}

const PROCESSES: readonly ProcessInit[] = [
  {
    tid: 1,
    pid: 1,
    ptid: 0,
    comm: 'systemd',
    exe: '/sbin/init',
    exePath: '/usr/lib/systemd/systemd',
    cwd: '/',
  },
  {
    ...{
      tid: 100,
      pid: 100,
      ptid: 1,
      comm: 'bash',
      exe: 'bash',
      exePath: '/usr/bin/bash',
      cwd: '/home/alice',
    },
    ...{ uid: 1000, gid: 1000, loginuid: 1000, sid: 100, vpgid: 100, tty: 34816 },
  },
]

/** What a round consists of: its bytes, where times are, where new names are. */
interface Template {
  readonly bytes: Buffer
  readonly times: readonly number[]
  readonly names: readonly number[]
  readonly span: bigint
}

function template(): Template {
  const blocks = events()
  const bytes = Buffer.concat(blocks)
  const times: number[] = []
  let at = 0
  for (const one of blocks) {
    times.push(at + TIME_AT)
    at += one.length
  }
  const names: number[] = []
  for (let name = bytes.indexOf(FRESH); name >= 0; name = bytes.indexOf(FRESH, name + 1)) names.push(name)
  return { bytes, times, names, span: BigInt(blocks.length) * GAP_NS }
}

/** Write a capture of at least so many events; how many they are. */
export function writeScapMix(file: string, least: number): number {
  const { bytes, times, names, span } = template()
  const rounds = Math.ceil(least / times.length)
  const fd = openSync(file, 'wx', 0o600)
  try {
    writeSync(fd, front())
    let fresh = 0
    for (let round = 0; round < rounds; round++) {
      writeSync(fd, bytes)
      for (const at of times) bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + span, at)
      for (const at of names) bytes.write(String(fresh++).padStart(FRESH.length, '0'), at, 'latin1')
    }
  } finally {
    closeSync(fd)
  }
  return rounds * times.length
}

const front = (): Buffer =>
  Buffer.concat([
    sectionBlock(),
    machineBlock({ cpus: 2, hostname: 'bench', booted: START - 3_600_000_000_000n }),
    block(0x215, ...PROCESSES.map(processEntry)),
    block(0x219),
    block(0x220, userEntry({ uid: 1000, gid: 1000, name: 'alice', home: '/home/alice', shell: '/bin/bash' })),
  ])
