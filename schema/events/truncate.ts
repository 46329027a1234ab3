import { defineFamily, flags, path, result, s64, syscallEvent } from '../dsl.ts'
import { PATH_FLAGS } from '../enums/index.ts'

/** The size of a file was changed by its name. */
export const truncate = defineFamily({
  name: 'truncate',
  object: 'file/path',
  doc: 'A file was truncated or extended by name',
  ring: 'bulk',
  sets: ['fs'],
  events: [syscallEvent('truncate', 29, 'truncate(2): change the size of a file by path.')],
  fields: {
    res: result('0, or a negative errno'),
    length: s64('new length in bytes'),
    path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }),
    name: path('path as the caller gave it', { falco: 'path' }),
    dir: path('directory a relative name starts from', { hidden: true }),
  },
  limits: 'Symbolic links in the path are not resolved: no kernel object is at hand when the call returns.',
})
