import { flags, oneOf, path, s32, s64, str, u32, u64 } from '../../dsl.ts'
import { KERNEL_READS, OPEN_FLAGS, PATH_FLAGS } from '../../enums/index.ts'
import { atExits, atTyped, defineHook } from './hook.ts'

const sets = ['lsm_hooks', 'fs', 'fs_file_ops'] as const
const object = 'hooks/files'

const pathname = path('path as the kernel resolved it')
const place = { dev: u32('device', { format: 'dev' }), inode: u64('inode number') }
const how = { path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }) }
const resolved = { pathname, ...place, ...how }

export const securityFileOpen = defineHook({
  name: 'security_file_open',
  id: 310,
  doc: 'A file was found, and may be opened.',
  sets: ['default', ...sets],
  object,
  programs: [
    ...atExits('file_open', 'open', 'creat', 'openat', 'openat2', 'open_by_handle_at'),
    ...atTyped('file_open_uring', 'io_uring_complete'),
  ],
  fields: {
    pathname,
    flags: flags('how it was opened, without O_CLOEXEC and O_LARGEFILE', OPEN_FLAGS),
    ...place,
    ctime: u64('change time of the inode', { format: 'time' }),
    syscall: s32('number of the syscall, of the table that the task uses; -1 for io_uring'),
    ...how,
  },
  limits:
    'From the end of the call that opens, so what a security module refused, what failed afterwards (a device that is busy), what the kernel opened for itself and what exec, mq_open, swapon or acct opened is not there. O_CREAT, O_EXCL, O_NOCTTY and O_TRUNC are those that the call was given, for openat2 read when it returns. Of io_uring, opens whose results find no room in the ring are not there.',
})

export const securityBprmCheck = defineHook({
  name: 'security_bprm_check',
  id: 311,
  doc: 'A program was found, and may be executed.',
  sets: ['default', 'lsm_hooks', 'proc', 'proc_life'],
  object,
  programs: atTyped('bprm_check', 'sched_process_exec'),
  fields: resolved,
  limits:
    'From the tracepoint sched_process_exec: a program that was refused is not there, and of a script only the interpreter.',
})

const pos = s64(
  'offset in the file where it began; -1 when that is not known, as for pipes, and for pwrite where it appends',
)

export const vfsWrite = defineHook({
  name: 'vfs_write',
  id: 312,
  doc: 'Data was written to a file, pipe or device.',
  sets: [],
  object,
  programs: atExits('vfs_write', 'write', 'pwrite64'),
  fields: { pathname, ...place, count: u64('bytes asked for'), pos, ...how },
  limits:
    'From the end of write and pwrite64: what the kernel writes for itself or io_uring for others is not there.',
})

export const vfsWritev = defineHook({
  name: 'vfs_writev',
  id: 313,
  doc: 'Data was written to a file, pipe or device from several buffers.',
  sets: [],
  object,
  programs: atExits('vfs_writev', 'writev', 'pwritev', 'pwritev2'),
  fields: { pathname, ...place, vlen: u64('number of buffers'), pos, ...how },
  limits: 'From the end of writev, pwritev and pwritev2; io_uring is not there.',
})

export const magicWrite = defineHook({
  name: 'magic_write',
  id: 314,
  doc: 'The beginning of a regular file was written: the bytes that tell what it is.',
  sets: [],
  object: 'hooks/magic',
  programs: [
    ...atExits('magic_write', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2'),
    ...atTyped('magic_write_uring', 'io_uring_complete'),
  ],
  fields: { pathname, bytes: str('first bytes, at most 32', { max: 32 }), ...place, ...how },
  limits:
    'Read from the memory of the caller when the call returns, of at most 40 buffers. Of a write at an offset that a file takes at its end (O_APPEND, RWF_APPEND) the first alone is there. What mmap, splice, sendfile, and copy_file_range write is not there.',
})

const readType = oneOf('what for', KERNEL_READS, 's32')
const READ_LIMITS =
  'From the end of finit_module and kexec_file_load, unless they failed with EPERM, EBADF, EBUSY or EINVAL, when nothing was read. What the kernel reads on its own account (firmware, policies, certificates) and what a security module refused is not there, nor is init_module, which is given the module in memory.'

export const securityKernelReadFile = defineHook({
  name: 'security_kernel_read_file',
  id: 315,
  doc: 'The kernel read a file for itself: a module, or a kernel to start.',
  sets: ['lsm_hooks'],
  object: 'hooks/kernel_read',
  programs: atExits('kernel_read', 'finit_module', 'kexec_file_load'),
  fields: {
    pathname,
    ...place,
    type: readType,
    ctime: u64('change time of the inode', { format: 'time' }),
    ...how,
  },
  limits: READ_LIMITS,
})

export const securityKernelPostReadFile = defineHook({
  name: 'security_kernel_post_read_file',
  id: 316,
  doc: 'The kernel has read a file for itself, with its size.',
  sets: ['lsm_hooks'],
  object: 'hooks/kernel_read',
  programs: atExits('kernel_post_read', 'finit_module', 'kexec_file_load'),
  fields: { pathname, size: s64('size of the file in bytes'), type: readType, ...how },
  limits: READ_LIMITS,
})

export const hiddenInodes = defineHook({
  name: 'hidden_inodes',
  id: 317,
  doc: 'A directory was listed that has an entry with the inode number 0, which programs do not show: a way to hide files and, in /proc, processes.',
  sets: [],
  object: 'hooks/directory',
  programs: atExits('hidden_inodes', 'getdents64', 'getdents'),
  fields: { hidden_process: str('name of the entry, in /proc the number of a process', { max: 255 }) },
  limits:
    'From the memory of the caller when getdents or getdents64 returns, at most 4,096 entries of a call: another thread may have changed it by then. An entry that is left out altogether is not there.',
})
