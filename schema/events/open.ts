import { atUring, defineFamily, fd, flags, mode, path, syscallEvent, u32, u64 } from '../dsl.ts'
import { OPEN_FLAGS, PATH_FLAGS, RESOLVE_FLAGS } from '../enums/index.ts'

const URING = atUring('open', 'file/uring')

/** A file was opened, or the attempt failed. */
export const open = defineFamily({
  name: 'open',
  object: 'file/open',
  doc: 'A file was opened',
  ring: 'bulk',
  sets: ['fs', 'default'],
  events: [
    syscallEvent('open', 20, 'open(2): open a file by path.'),
    syscallEvent('creat', 21, 'creat(2): create or truncate a file.'),
    syscallEvent('openat', 22, 'openat(2): open a file relative to a directory descriptor.', URING),
    syscallEvent('openat2', 23, 'openat2(2): openat with restrictions on path resolution.', URING),
  ],
  fields: {
    ino: u64('inode number; 0 when the call failed'),
    fd: fd('new descriptor, or a negative errno'),
    dirfd: fd('directory the path is relative to; AT_FDCWD for the current one'),
    flags: flags('how to open', OPEN_FLAGS),
    mode: mode('permission bits for a file that is created'),
    resolve: flags('restrictions of openat2', RESOLVE_FLAGS),
    dev: u32('device of the file', { format: 'dev' }),
    i_mode: mode('type and permission bits of the file', { hidden: true }),
    f_mode: u32("the kernel's f_mode of the open file", { hidden: true }),
    path_flags: flags('how the paths came about', PATH_FLAGS, { hidden: true }),
    how_size: u32('size of the structure that openat2 is given, at most 4294967295; 0 for the others', {
      hidden: true,
    }),
    name: path('path as the caller gave it'),
    path: path('path as the kernel resolved it; absent when the call failed', { hidden: true }),
    dir: path('directory a relative name starts from; absent when it is not needed', { hidden: true }),
  },
  limits:
    'The given name is read when the call returns, so another thread may have changed it by then; the kernel path cannot be changed that way. An open through io_uring has the number 2147483647 when the file goes to a table of the ring (before Linux 6.13 without a kernel path), or when no word of success was asked for, or the ring may have no room for one: then it has no kernel path either, it may have failed after all, and a record of that follows.',
})
