import { atUring, defineFamily, fd, flags, path, result, syscallEvent } from '../dsl.ts'
import { PATH_FLAGS, RENAME_FLAGS } from '../enums/index.ts'

const URING = atUring('name', 'file/uring')

/** A name was changed. */
export const rename = defineFamily({
  name: 'rename',
  object: 'file/path',
  doc: 'A file or directory was renamed',
  ring: 'bulk',
  sets: ['fs', 'default'],
  events: [
    syscallEvent('rename', 30, 'rename(2).'),
    syscallEvent('renameat', 31, 'renameat(2).'),
    syscallEvent('renameat2', 32, 'renameat2(2): also exchanges two names.', URING),
  ],
  fields: {
    res: result('0, or a negative errno'),
    olddirfd: fd('directory the old path is relative to'),
    newdirfd: fd('directory the new path is relative to'),
    flags: flags('renameat2 flags', RENAME_FLAGS),
    path_flags: flags('how the paths came about', PATH_FLAGS, { hidden: true }),
    oldpath: path('old path as the caller gave it', { max: 3000 }),
    newpath: path('new path as the caller gave it', { max: 3000 }),
    olddir: path('directory a relative old path starts from', { hidden: true }),
    newdir: path('directory a relative new path starts from', { hidden: true }),
  },
  limits:
    'Symbolic links in either path are not resolved: no kernel object is at hand when the call returns.',
})
