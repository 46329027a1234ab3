/** The few C library calls the agent needs. Every function throws `SystemError` with the errno name on failure. */
import koffi from 'koffi'
import { errnoName } from '../../schema/enums/index.ts'

const libc = koffi.load(null)

const raw = {
  mmap: libc.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64 offset)'),
  close: libc.func('int close(int fd)'),
  duplicate: libc.func('int fcntl(int fd, int command, int least)'),
  setProgram: libc.func('int ioctl(int fd, ulong request, long program)'),
  read: libc.func('int64 read(int fd, void *buf, size_t count)'),
  writeText: libc.func('int64 write(int fd, const char *text, size_t length)'),
  perfEventOpen: libc.func('long syscall(long nr, void *attr, int pid, int cpu, int group, ulong flags)'),
  fsopen: libc.func('long syscall(long nr, const char *name, uint flags)'),
  fsconfig: libc.func('long syscall(long nr, int fd, uint cmd, const char *key, const char *value, int aux)'),
  fsmount: libc.func('long syscall(long nr, int fd, uint flags, uint attrs)'),
  sysconf: libc.func('long sysconf(int name)'),
  clockGettime: libc.func('int clock_gettime(int clock, void *ts)'),
  flock: libc.func('int flock(int fd, int operation)'),
  capget: libc.func('long syscall(long nr, void *header, void *data)'),
}

/** Syscall numbers that libc has no wrapper for. */
const NR =
  process.arch === 'arm64'
    ? { perf_event_open: 241, fsopen: 430, fsconfig: 431, fsmount: 432, capget: 90 }
    : { perf_event_open: 298, fsopen: 430, fsconfig: 431, fsmount: 432, capget: 125 }

/** A C call failed. `code` is the errno name, `errno` its number. */
export class SystemError extends Error {
  override readonly name = 'SystemError'
  readonly errno: number
  readonly code: string
  constructor(call: string, errno: number) {
    const code = errnoName(errno) ?? `errno ${errno}`
    super(`${call}: ${code}`)
    this.errno = Math.abs(errno)
    this.code = code
  }
}

const check = (call: string, result: number): number => {
  if (result < 0) throw new SystemError(call, koffi.errno())
  return result
}

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1

/**
 * Map `length` bytes of a BPF map's memory. The area is never unmapped: a view that outlived its mapping would crash
 * the process. A write through a read-only view kills it, too: hand out only what the reader needs.
 */
export function mapMemory(fd: number, length: number, offset: number, writable: boolean): ArrayBuffer {
  const address = raw.mmap(
    null,
    length,
    writable ? PROT_READ | PROT_WRITE : PROT_READ,
    MAP_SHARED,
    fd,
    offset,
  )
  if (koffi.address(address) === 0xffffffffffffffffn) throw new SystemError('mmap', koffi.errno())
  return koffi.view(address, length)
}

export const closeFd = (fd: number): void => {
  raw.close(fd)
}

/** The same on another thread: to close a link the kernel waits for running programs, and many can wait together. */
export const closeFdAsync = (fd: number): Promise<void> =>
  new Promise((resolve) => raw.close.async(fd, () => resolve()))

const F_DUPFD_CLOEXEC = 1030
/** Above those that standard streams have. */
const LEAST_FD = 3

/** Another descriptor of the same thing. */
export const duplicateFd = (fd: number): number =>
  check('fcntl', raw.duplicate(fd, F_DUPFD_CLOEXEC, LEAST_FD))

/** Read up to `buffer.length` bytes; 0 at the end. Retries when a signal came in between. */
export function readFd(fd: number, buffer: Uint8Array): number {
  for (;;) {
    const n = Number(raw.read(fd, buffer, buffer.length))
    if (n >= 0) return n
    const error = new SystemError('read', koffi.errno())
    if (error.code !== 'EINTR') throw error
  }
}

/**
 * write(2) of text that has `length` bytes in UTF-8 and no NUL; returns the bytes taken. A third of what node:fs takes when
 * it is not warm, which is the usual state of a process that waits for something to happen.
 */
export function writeText(fd: number, text: string, length: number): number {
  return check('write', Number(raw.writeText(fd, text, length)))
}

const PERF_TYPE_TRACEPOINT = 2
const PERF_ATTR_SIZE = 128
const PERF_FLAG_FD_CLOEXEC = 8

/** A perf event for the tracepoint with this id, on which a BPF program can be put (perf_event_open(2)). */
export function openTracepoint(id: number): number {
  const attr = new DataView(new ArrayBuffer(PERF_ATTR_SIZE))
  attr.setUint32(0, PERF_TYPE_TRACEPOINT, true)
  attr.setUint32(4, PERF_ATTR_SIZE, true)
  attr.setBigUint64(8, BigInt(id), true)
  attr.setBigUint64(16, 1n, true)
  attr.setUint32(48, 1, true)
  const result = raw.perfEventOpen(
    NR.perf_event_open,
    new Uint8Array(attr.buffer),
    -1,
    0,
    -1,
    PERF_FLAG_FD_CLOEXEC,
  )
  return check('perf_event_open', Number(result))
}

/** linux/perf_event.h */
const PERF_EVENT_IOC_SET_BPF = 0x40042408

/** Put a program on a perf event, until that is closed (ioctl of perf_event_open(2)). */
export function setPerfProgram(perf: number, program: number): void {
  check('ioctl', raw.setProgram(perf, PERF_EVENT_IOC_SET_BPF, program))
}

const FSCONFIG_CMD_CREATE = 6

/**
 * Open a pseudo file system without mounting it anywhere: the descriptor of a detached mount, whose files are below
 * /proc/self/fd/N. Needs CAP_SYS_ADMIN and Linux 5.2.
 */
export function openDetachedMount(type: string): number {
  const context = check('fsopen', Number(raw.fsopen(NR.fsopen, type, 1)))
  try {
    check('fsconfig', Number(raw.fsconfig(NR.fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0)))
    return check('fsmount', Number(raw.fsmount(NR.fsmount, context, 1, 0)))
  } finally {
    raw.close(context)
  }
}

const CAPABILITY_VERSION_3 = 0x20080522

/** Effective capabilities of this process as a bit mask (capget(2)). */
export function effectiveCapabilities(): bigint {
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0])
  const data = new Uint32Array(6)
  check('capget', Number(raw.capget(NR.capget, header, data)))
  return BigInt(data[0]!) | (BigInt(data[3]!) << 32n)
}

const SC_PAGESIZE = 30

/** Bytes of a memory page. */
export const pageSize = (): number => Number(raw.sysconf(SC_PAGESIZE))

export const CLOCK = { realtime: 0, monotonic: 1, boottime: 7 } as const

/** Time of a clock in ns (clock_gettime(2)). */
export function clock(id: (typeof CLOCK)[keyof typeof CLOCK]): bigint {
  const ts = new BigInt64Array(2)
  check('clock_gettime', raw.clockGettime(id, ts))
  return ts[0]! * 1_000_000_000n + ts[1]!
}

const LOCK_EX = 2
const LOCK_NB = 4

/** Take an exclusive lock on an open file for as long as it stays open; false when somebody else holds it (flock(2)). */
export function tryLock(fd: number): boolean {
  if (raw.flock(fd, LOCK_EX | LOCK_NB) === 0) return true
  const error = new SystemError('flock', koffi.errno())
  if (error.code === 'EAGAIN') return false
  throw error
}
