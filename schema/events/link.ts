import { atUring, defineFamily, fd, flags, path, result, syscallEvent } from '../dsl.ts'
import { AT_FLAGS, PATH_FLAGS } from '../enums/index.ts'

const URING = atUring('name', 'file/uring')

/** A second name was made for a file. */
export const link = defineFamily({
  name: 'link',
  object: 'file/path',
  doc: 'A hard link was made',
  ring: 'bulk',
  sets: ['fs', 'default'],
  events: [syscallEvent('link', 36, 'link(2).'), syscallEvent('linkat', 37, 'linkat(2).', URING)],
  fields: {
    res: result('0, or a negative errno'),
    olddirfd: fd('directory the old path is relative to'),
    newdirfd: fd('directory the new path is relative to'),
    flags: flags('linkat flags', AT_FLAGS),
    path_flags: flags('how the paths came about', PATH_FLAGS, { hidden: true }),
    oldpath: path('existing path as the caller gave it', { max: 3000 }),
    newpath: path('new path as the caller gave it', { max: 3000 }),
    olddir: path('directory a relative old path starts from', { hidden: true }),
    newdir: path('directory a relative new path starts from', { hidden: true }),
  },
  limits: 'Symbolic links in either path are not resolved.',
})

/** A symbolic link was made. */
export const symlink = defineFamily({
  name: 'symlink',
  object: 'file/path',
  doc: 'A symbolic link was made',
  ring: 'bulk',
  sets: ['fs', 'default'],
  events: [syscallEvent('symlink', 38, 'symlink(2).'), syscallEvent('symlinkat', 39, 'symlinkat(2).', URING)],
  fields: {
    res: result('0, or a negative errno'),
    linkdirfd: fd('directory the link path is relative to'),
    path_flags: flags('how the paths came about', PATH_FLAGS, { hidden: true }),
    target: path('text of the link, as given'),
    linkpath: path('path of the link as the caller gave it'),
    dir: path('directory a relative link path starts from', { hidden: true }),
  },
  limits: 'The target is text and may point nowhere.',
})
