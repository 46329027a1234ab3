import { defineFamily, fd, flags, mode, path, result, syscallEvent, u32 } from '../dsl.ts'
import { OPEN_FLAGS, PATH_FLAGS } from '../enums/index.ts'
import { socketFacts } from './socket-facts.ts'

/** A descriptor got a second number: what redirects standard streams. */
export const dup = defineFamily({
  name: 'dup',
  object: 'file/dup',
  doc: 'A descriptor was duplicated',
  ring: 'bulk',
  sets: ['fs'],
  events: [
    syscallEvent('dup', 44, 'dup(2).'),
    syscallEvent('dup2', 45, 'dup2(2): onto a number of choice.'),
    syscallEvent('dup3', 46, 'dup3(2): dup2 with flags.'),
  ],
  fields: {
    res: result('the new descriptor, or a negative errno'),
    oldfd: fd('descriptor that was duplicated'),
    newfd: fd('number asked for (dup2, dup3); -1 otherwise'),
    flags: flags('dup3 flags', OPEN_FLAGS),
    dev: u32('device of the file', { format: 'dev', hidden: true }),
    i_mode: mode('type and permission bits of what the descriptor stands for', { hidden: true }),
    path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }),
    ...socketFacts,
    path: path('path, or the kernel name of what has no path', { hidden: true }),
  },
  limits:
    'A descriptor duplicated by fcntl, sent over a unix socket or taken with pidfd_getfd is no event of this kind. Records about a failed call know nothing of the old descriptor.',
})
