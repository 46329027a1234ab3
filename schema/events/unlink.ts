import { atUring, defineFamily, fd, flags, path, result, syscallEvent } from '../dsl.ts'
import { AT_FLAGS, PATH_FLAGS } from '../enums/index.ts'

const URING = atUring('name', 'file/uring')

/** A name was removed. */
export const unlink = defineFamily({
  name: 'unlink',
  object: 'file/path',
  doc: 'A name of a file or an empty directory was removed',
  ring: 'bulk',
  sets: ['fs', 'default'],
  events: [
    syscallEvent('unlink', 33, 'unlink(2).'),
    syscallEvent('unlinkat', 34, 'unlinkat(2): also removes directories.', URING),
    syscallEvent('rmdir', 35, 'rmdir(2).'),
  ],
  fields: {
    res: result('0, or a negative errno'),
    dirfd: fd('directory the path is relative to'),
    flags: flags('unlinkat flags', AT_FLAGS),
    path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }),
    name: path('path as the caller gave it'),
    dir: path('directory a relative name starts from', { hidden: true }),
  },
  limits: 'Symbolic links in the path are not resolved: the object is gone when the call returns.',
})
