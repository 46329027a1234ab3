import {
  address,
  atExit,
  atUring,
  defineFamily,
  fd,
  flags,
  mode,
  path,
  result,
  s64,
  syscallEvent,
  u32,
  u64,
} from '../dsl.ts'
import { PATH_FLAGS } from '../enums/index.ts'

const URING = atUring('write', 'file/uring')

/** Data of an open file was changed through its descriptor. */
export const write = defineFamily({
  name: 'write',
  object: 'file/write',
  doc: 'An open file was written to',
  ring: 'bulk',
  sets: ['fs'],
  events: [
    syscallEvent('write', 24, 'write(2).', URING),
    syscallEvent('writev', 25, 'writev(2): write from several buffers.', URING),
    syscallEvent('pwrite64', 26, 'pwrite(2): write at an offset.'),
    syscallEvent('ftruncate', 27, 'ftruncate(2): change the size of an open file.', URING),
    {
      name: 'copy_file_range',
      id: 28,
      doc: 'copy_file_range(2): copy between files inside the kernel; `fd` and `path` are the file written.',
      programs: [atExit('copy_file_range')],
    },
  ],
  fields: {
    res: result('bytes written, 0 for ftruncate, or a negative errno'),
    ino: u64('inode number of the file'),
    size: u64('bytes asked for; number of buffers for writev; the new length for ftruncate'),
    pos: s64('offset in the file for pwrite64; -1 otherwise'),
    buf: address(
      'where the data lies, for writev the list of buffers; of copy_file_range the offset to read from',
      {
        argumentOf: { write: 'buf', pwrite64: 'buf', writev: 'iov', copy_file_range: 'off_in' },
      },
    ),
    off_out: address('where the offset to write to lies', { argumentOf: { copy_file_range: 'off_out' } }),
    fd: fd('descriptor written to'),
    fd_in: fd('descriptor read from (copy_file_range); -1 otherwise'),
    copy_flags: u32('flags of copy_file_range: none are defined', {
      argumentOf: { copy_file_range: 'flags' },
    }),
    dev: u32('device of the file', { format: 'dev' }),
    i_mode: mode('type and permission bits of the file', { hidden: true }),
    path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }),
    path: path('path of the file written, or the kernel name of what has no path', { hidden: true }),
    path_in: path('path of the file read from (copy_file_range)', { hidden: true }),
  },
  limits:
    'Writes through a memory map, sendfile and splice are not seen. io_uring tells no offset. Of vectors and offsets in memory only the address is told.',
})
