import { flags, path, s32, s64, str, u32, u64 } from '../../dsl.ts'
import { OPEN_FLAGS, PATH_FLAGS } from '../../enums/index.ts'
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
    flags: flags('how it was opened', OPEN_FLAGS),
    ...place,
    ctime: u64('change time of the inode', { format: 'time' }),
    syscall: s32('number of the syscall; -1 for io_uring'),
    ...how,
  },
  limits:
    'From the end of the call that opens, so what a security module refused, the kernel opened for itself, or exec opened is not there.',
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

const pos = s64('offset in the file where it began; -1 when that is not known, as for pipes')

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
  fields: { pathname, bytes: str('first bytes, at most 20', { max: 20 }), ...place, ...how },
  limits:
    'Read from the memory of the caller when the call returns. What mmap, splice, sendfile, and copy_file_range write is not there.',
})
