/** The executable a process runs, where it stands, and for how long it has been running. */
import { EXE_FLAGS } from '../../../schema/enums/index.ts'
import type { ProcessInfo, SyscallContext } from '../context.ts'
import { LOOK, processField, type SyscallField } from '../syscall-field.ts'

function flag(name: string): (process: ProcessInfo) => boolean {
  const bit = EXE_FLAGS.names[name]!
  return (process) => (process.exeFlags & bit) !== 0
}

const age = (process: ProcessInfo, ctx: SyscallContext): bigint =>
  ctx.lookup.bootTime(ctx.event.timeNs) - BigInt(process.start)

/** Start of a process: ns since the epoch. */
const startTime = (process: ProcessInfo, ctx: SyscallContext): bigint =>
  ctx.lookup.wallClock(ctx.event.timeNs) - age(process, ctx)

/**
 * Since Linux 6.11 Falco reads the nanoseconds of an inode time as 64 bits. Those of mtime get the ones of ctime in front,
 * and bit 31 of these is a flag of the kernel (6.13), set once somebody has asked for the time; the record does not
 * have it, so it is taken as set.
 */
const QUERIED = 1n << 31n
const SECOND = 1_000_000_000n

function changeTime({ exeCtime }: ProcessInfo, { lookup }: SyscallContext): bigint | undefined {
  if (exeCtime === 0n) return undefined
  return lookup.asFalco ? exeCtime + QUERIED : exeCtime
}

function modifyTime({ exeCtime, exeMtime }: ProcessInfo, { lookup }: SyscallContext): bigint | undefined {
  if (exeMtime === 0n) return undefined
  return lookup.asFalco ? exeMtime + (((exeCtime % SECOND) | QUERIED) << 32n) : exeMtime
}

/** Start of the first process of the pid namespace, CLOCK_BOOTTIME ns; a first process knows without having been told. */
const namespaceStart = (process: ProcessInfo): number | undefined =>
  process.vpid === 1 ? process.start : process.image?.pidnsStart || undefined

/** The same, ns since the epoch. */
export function namespaceTime(process: ProcessInfo, ctx: SyscallContext): bigint | undefined {
  const start = namespaceStart(process)
  return start === undefined ? undefined : startTime(process, ctx) + BigInt(start - process.start)
}

export const imageFields: readonly SyscallField[] = [
  processField({
    name: 'proc.cwd',
    type: 'path',
    doc: 'Current directory as of the last exec, with a slash at its end; a child starts with that of its parent.',
    examples: ['/home/alice/'],
    origin: LOOK,
    of: ({ cwd }) => cwd.slashed,
  }),
  processField({
    name: 'proc.duration',
    type: 'duration',
    cost: 'derived',
    doc: 'Time since the process was created, ns.',
    of: age,
  }),
  processField({
    name: 'proc.ppid.duration',
    type: 'duration',
    cost: 'derived',
    doc: 'Time since the parent was created, ns.',
    of: (process, ctx) => process.parent && age(process.parent, ctx),
  }),
  processField({
    name: 'proc.pid.ts',
    type: 'time',
    cost: 'derived',
    doc: 'When the process was created, ns since the epoch.',
    of: startTime,
  }),
  processField({
    name: 'proc.ppid.ts',
    type: 'time',
    cost: 'derived',
    doc: 'When the parent was created, ns since the epoch.',
    of: (process, ctx) => process.parent && startTime(process.parent, ctx),
  }),
  processField({
    name: 'proc.is_exe_writable',
    type: 'bool',
    doc: 'The process may write the executable it runs.',
    origin: LOOK,
    of: flag('EXE_WRITABLE'),
  }),
  processField({
    name: 'proc.is_exe_upper_layer',
    type: 'bool',
    doc: 'The executable lives in the upper layer of an overlay file system: it was not in the image of the container.',
    origin: LOOK,
    of: flag('EXE_UPPER_LAYER'),
  }),
  processField({
    name: 'proc.is_exe_lower_layer',
    type: 'bool',
    doc: 'The executable lives in the lower layer of an overlay file system: it came with the image of the container.',
    origin: LOOK,
    of: flag('EXE_LOWER_LAYER'),
  }),
  processField({
    name: 'proc.is_exe_from_memfd',
    type: 'bool',
    doc: 'The executable is an anonymous memory file.',
    origin: LOOK,
    of: flag('EXE_FROM_MEMFD'),
  }),
  processField({
    name: 'proc.is_exe_deleted',
    type: 'bool',
    doc: 'The executable had no name left in any directory when it was run. A memory file never had one.',
    origin: LOOK,
    of: flag('EXE_DELETED'),
  }),
  processField({
    name: 'proc.exe_ino',
    type: 'int',
    doc: 'Inode number of the executable.',
    of: (process) => process.exeIno,
  }),
  processField({
    name: 'proc.exe_ino.ctime',
    type: 'time',
    doc: 'When the inode of the executable last changed, ns since the epoch.',
    of: changeTime,
  }),
  processField({
    name: 'proc.exe_ino.mtime',
    type: 'time',
    doc: 'When the content of the executable last changed, ns since the epoch.',
    of: modifyTime,
  }),
  processField({
    name: 'proc.exe_ino.ctime_duration_proc_start',
    type: 'duration',
    cost: 'derived',
    doc: 'How long before the start of the process the inode of its executable last changed, ns; negative when it changed after.',
    of: (process, ctx) => {
      const changed = changeTime(process, ctx)
      return changed === undefined ? undefined : startTime(process, ctx) - changed
    },
  }),
  processField({
    name: 'proc.pidns_init_start_ts',
    type: 'time',
    cost: 'derived',
    doc: 'When the first process of the pid namespace was started, ns since the epoch: about when a container was.',
    of: namespaceTime,
  }),
  processField({
    name: 'proc.exe_ino.ctime_duration_pidns_start',
    type: 'duration',
    cost: 'derived',
    doc: 'How long before the start of the pid namespace the inode of the executable last changed, ns; negative when it changed after.',
    of: (process, ctx) => {
      const time = namespaceTime(process, ctx)
      return time === undefined || process.exeCtime === 0n ? undefined : time - process.exeCtime
    },
  }),
]
