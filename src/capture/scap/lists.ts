/** What stands in front of the events of a section: the machine, its processes with their descriptors, its users. */
import type { ByteReader } from './bytes.ts'
import { FD_KINDS, GROUP_ENTRY } from './format.ts'

export interface Machine {
  readonly cpus: number
  readonly hostname: string
  /** Ns since the epoch of the start of the machine, 0 when not known. */
  readonly booted: bigint
}

const HOSTNAME_BYTES = 128

/** The block about the machine. Throws CaptureError where it ends too early. */
export function readMachine(bytes: ByteReader): Machine {
  const cpus = bytes.u32()
  bytes.number()
  bytes.number()
  const hostname = bytes.blob(HOSTNAME_BYTES)
  const length = hostname.indexOf(0)
  return {
    cpus,
    hostname: hostname.toString('utf8', 0, length < 0 ? HOSTNAME_BYTES : length),
    booted: bytes.left < 8 ? 0n : bytes.u64(),
  }
}

/** A thread of a list of processes. Text has one character a byte. */
export interface ListedThread {
  readonly tid: number
  readonly pid: number
  readonly ptid: number
  readonly sid: number
  readonly vpgid: number
  readonly comm: string
  /** argv[0] */
  readonly exe: string
  readonly exePath: string
  /** The other arguments, each with a NUL behind it. */
  readonly args: string
  readonly cwd: string
  readonly fdLimit: number
  readonly uid: number
  readonly gid: number
  readonly vmSize: number
  readonly vmRss: number
  readonly vmSwap: number
  readonly majorFaults: number
  readonly minorFaults: number
  readonly env: string
  readonly vtid: number
  readonly vpid: number
  /** `subsystem=path`, each with a NUL behind it. */
  readonly cgroups: string
  readonly tty: number
  readonly loginuid: number
  readonly exeFlags: number
  readonly capInheritable: number
  readonly capPermitted: number
  readonly capEffective: number
  readonly exeIno: number
  readonly exeCtime: bigint
  readonly exeMtime: bigint
  readonly pidnsStart: number
}

const NOT_SET = 0xffffffff
const EXE_WRITABLE = 1
const EXE_UPPER_LAYER = 2
const EXE_FROM_MEMFD = 4
const EXE_LOWER_LAYER = 8
/** Bytes behind the old part of an entry in files before two values were put in front of them. */
const TAIL_WITHOUT_TERMINAL = 29

/** The next thread of a list of `version`; entries of the latest have their length in front. */
export function readThread(list: ByteReader, version: number): ListedThread {
  if (version < 9) return threadOf(list, version)
  const length = list.u32()
  if (length < 4) throw list.fault(`an entry of ${length} bytes is too short`)
  return threadOf(list.within(length - 4), version)
}

function threadOf(bytes: ByteReader, version: number): ListedThread {
  const from = <T>(first: number, read: () => T, otherwise: T): T => (version >= first ? read() : otherwise)
  const number = (): number => bytes.number()
  const text = (): string => bytes.text()
  const u32 = (): number => bytes.u32()
  const early = {
    tid: number(),
    pid: number(),
    ptid: number(),
    sid: from(6, number, 0),
    vpgid: from(8, number, 0),
    comm: text(),
    exe: text(),
    exePath: from(7, text, ''),
    args: text(),
    cwd: text(),
    fdLimit: number(),
    flags: u32(),
    uid: u32(),
    gid: u32(),
    vmSize: from(2, u32, 0),
    vmRss: from(2, u32, 0),
    vmSwap: from(2, u32, 0),
    majorFaults: from(2, number, 0),
    minorFaults: from(2, number, 0),
    env: from(3, text, ''),
    vtid: from(4, number, -1),
    vpid: from(4, number, -1),
    cgroups: from(4, text, ''),
    root: from(5, text, ''),
  }
  return { ...early, ...tailOf(bytes, version) }
}

type Tail = Pick<
  ListedThread,
  | 'tty'
  | 'loginuid'
  | 'exeFlags'
  | 'capInheritable'
  | 'capPermitted'
  | 'capEffective'
  | 'exeIno'
  | 'exeCtime'
  | 'exeMtime'
  | 'pidnsStart'
>

/** What was put behind the entries later, as far as this one goes. */
function tailOf(bytes: ByteReader, version: number): Tail {
  const left = version < 9 ? 0 : bytes.left
  const has = (size: number): boolean => left > 0 && bytes.left >= size
  const number = (): number => (has(8) ? bytes.number() : 0)
  const big = (): bigint => (has(8) ? bytes.u64() : 0n)
  const flag = (bit: number): number => (has(1) && bytes.u8() !== 0 ? bit : 0)
  const isLater = left > TAIL_WITHOUT_TERMINAL
  const pidnsStart = isLater ? number() : 0
  const tty = isLater && has(4) ? bytes.u32() : 0
  const loginuid = has(4) ? bytes.u32() : NOT_SET
  const writable = flag(EXE_WRITABLE)
  const caps = { capInheritable: number(), capPermitted: number(), capEffective: number() }
  const upper = flag(EXE_UPPER_LAYER)
  const file = { exeIno: number(), exeCtime: big(), exeMtime: big() }
  const exeFlags = writable | upper | flag(EXE_FROM_MEMFD) | flag(EXE_LOWER_LAYER)
  return { pidnsStart, tty, loginuid: loginuid | 0, exeFlags, ...caps, ...file }
}

/** A descriptor of a list. */
export interface ListedFd {
  readonly fd: number
  readonly ino: number
  /** FD_KINDS */
  readonly kind: number
  /** Name of what is no inet socket; one character a byte. */
  readonly name: string
  readonly openFlags: number
  readonly dev: number
  /** Ends of an inet socket: 4 or 16 bytes each; a server's is the source. */
  readonly source: Buffer | undefined
  readonly sourcePort: number
  readonly target: Buffer | undefined
  readonly targetPort: number
  /** TRANSPORTS */
  readonly transport: number
}

const NO_SOCKET = {
  name: '',
  openFlags: 0,
  dev: 0,
  source: undefined,
  sourcePort: 0,
  target: undefined,
  targetPort: 0,
  transport: 0,
}

/** The next descriptor; `sized`: its length stands in front. */
export function readFd(list: ByteReader, sized: boolean): ListedFd {
  if (!sized) return fdOf(list, false)
  const length = list.u32()
  if (length < 4) throw list.fault(`an entry of ${length} bytes is too short`)
  return fdOf(list.within(length - 4), true)
}

function fdOf(bytes: ByteReader, sized: boolean): ListedFd {
  const base = { ...NO_SOCKET, fd: bytes.number(), ino: bytes.number(), kind: bytes.u8() }
  switch (base.kind) {
    case FD_KINDS.ipv4:
      return { ...base, ...pairOf(bytes, 4) }
    case FD_KINDS.ipv6:
      return { ...base, ...pairOf(bytes, 16) }
    case FD_KINDS.ipv4Server:
    case FD_KINDS.ipv6Server: {
      const source = bytes.blob(base.kind === FD_KINDS.ipv4Server ? 4 : 16)
      return { ...base, source, sourcePort: bytes.u16(), transport: bytes.u8() }
    }
    case FD_KINDS.unix:
      bytes.number()
      bytes.number()
      return { ...base, name: bytes.text() }
    case FD_KINDS.fileWithFlags: {
      const openFlags = bytes.u32()
      const name = bytes.text()
      return { ...base, openFlags, name, dev: sized && bytes.left >= 4 ? bytes.u32() : 0 }
    }
    case FD_KINDS.unknown:
      return base
    default:
      // What is not known yet has its length, or none of the others can be found.
      if (base.kind > FD_KINDS.pidfd && !sized)
        throw bytes.fault(`there is no descriptor of kind ${base.kind}`)
      return { ...base, name: base.kind > FD_KINDS.pidfd ? '' : bytes.text() }
  }
}

function pairOf(bytes: ByteReader, length: number): Partial<ListedFd> {
  const source = bytes.blob(length)
  const target = bytes.blob(length)
  return { source, target, sourcePort: bytes.u16(), targetPort: bytes.u16(), transport: bytes.u8() }
}

/** Users and groups as passwd(5) and group(5) would have them. */
export function readUsers(list: ByteReader, sized: boolean): { passwd: string; group: string } {
  const passwd: string[] = []
  const group: string[] = []
  // What is left of a block may be padding.
  while (list.left >= 4) {
    const entry = sized ? sizedEntry(list) : list
    if (entry.u8() === GROUP_ENTRY) {
      const gid = entry.u32()
      group.push(`${word(entry.text())}:x:${gid}:`)
    } else {
      const [uid, gid] = [entry.u32(), entry.u32()]
      const [name, home, shell] = [entry.text(), entry.text(), entry.text()]
      passwd.push(`${word(name)}:x:${uid}:${gid}::${word(home)}:${word(shell)}`)
    }
  }
  return { passwd: passwd.join('\n'), group: group.join('\n') }
}

function sizedEntry(list: ByteReader): ByteReader {
  const length = list.u32()
  if (length < 4) throw list.fault(`an entry of ${length} bytes is too short`)
  return list.within(length - 4)
}

/** A name that cannot be taken for more than one value; its bytes as text. */
const word = (name: string): string => Buffer.from(name.replace(/[:\n]/g, '?'), 'latin1').toString()
