import { defineFamily, fd, flags, mode, path, result, syscallEvent } from '../dsl.ts'
import { AT_FLAGS, PATH_FLAGS } from '../enums/index.ts'

/** Permission bits of a file were changed. */
export const chmod = defineFamily({
  name: 'chmod',
  object: 'file/path',
  doc: 'Permission bits of a file were changed',
  ring: 'bulk',
  sets: ['fs', 'default'],
  events: [
    syscallEvent('chmod', 40, 'chmod(2).'),
    syscallEvent('fchmod', 41, 'fchmod(2): by descriptor.'),
    syscallEvent('fchmodat', 42, 'fchmodat(2).'),
    syscallEvent('fchmodat2', 43, 'fchmodat2(2): fchmodat with flags; Linux 6.6.'),
  ],
  fields: {
    res: result('0, or a negative errno'),
    dirfd: fd('directory the path is relative to'),
    fd: fd('descriptor of the file (fchmod); -1 otherwise'),
    mode: mode('new permission bits'),
    flags: flags('fchmodat2 flags', AT_FLAGS),
    path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }),
    filename: path('path as the caller gave it'),
    path: path('path as the kernel knows it (fchmod)', { hidden: true }),
    dir: path('directory a relative name starts from', { hidden: true }),
  },
  limits: 'By name, symbolic links in the path are not resolved.',
})
