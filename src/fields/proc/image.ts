/** The executable a process runs, where it stands, and for how long it has been running. */
import { EXE_FLAGS } from '../../../schema/enums/index.ts'
import type { ProcessInfo, SyscallContext } from '../context.ts'
import { processField, type SyscallField } from '../syscall-field.ts'

const flag =
  (name: string) =>
  (process: ProcessInfo): boolean =>
    (process.exeFlags & EXE_FLAGS.names[name]!) !== 0

const age = (process: ProcessInfo, ctx: SyscallContext): bigint =>
  ctx.lookup.bootTime(ctx.event.timeNs) - BigInt(process.start)

/** Start of a process: ns since the epoch. */
const startTime = (process: ProcessInfo, ctx: SyscallContext): bigint =>
  ctx.lookup.wallClock(ctx.event.timeNs) - age(process, ctx)

/** A time that the kernel left at 0 is not known. */
const known = (time: bigint): bigint | undefined => (time === 0n ? undefined : time)

export const imageFields: readonly SyscallField[] = [
  processField({
    name: 'proc.cwd',
    type: 'path',
    doc: 'Current directory as of the last exec; a child starts with that of its parent.',
    of: (process) => process.cwd,
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
    of: flag('EXE_WRITABLE'),
  }),
  processField({
    name: 'proc.is_exe_upper_layer',
    type: 'bool',
    doc: 'The executable lives in the upper layer of an overlay file system: it was not in the image of the container.',
    of: flag('EXE_UPPER_LAYER'),
  }),
  processField({
    name: 'proc.is_exe_from_memfd',
    type: 'bool',
    doc: 'The executable is an anonymous memory file.',
    of: flag('EXE_FROM_MEMFD'),
  }),
  processField({
    name: 'proc.is_exe_deleted',
    type: 'bool',
    doc: 'The executable had no name left in any directory when it was run.',
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
    of: (process) => known(process.exeCtime),
  }),
  processField({
    name: 'proc.exe_ino.mtime',
    type: 'time',
    doc: 'When the content of the executable last changed, ns since the epoch.',
    of: (process) => known(process.exeMtime),
  }),
  processField({
    name: 'proc.exe_ino.ctime_duration_proc_start',
    type: 'duration',
    cost: 'derived',
    doc: 'How long before the start of the process the inode of its executable last changed, ns; negative when it changed after.',
    of: (process, ctx) => (process.exeCtime === 0n ? undefined : startTime(process, ctx) - process.exeCtime),
  }),
]
