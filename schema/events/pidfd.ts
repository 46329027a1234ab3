import { defineFamily, fd, result, syscallEvent, u32 } from '../dsl.ts'

/** A process took a descriptor of another one. */
export const pidfd = defineFamily({
  name: 'pidfd',
  object: 'process/ptrace',
  doc: 'A process took a descriptor of another one',
  ring: 'bulk',
  sets: ['process'],
  events: [syscallEvent('pidfd_getfd', 75, 'pidfd_getfd(2): duplicate a descriptor of another process.')],
  fields: {
    res: result('the new descriptor, or a negative errno'),
    pid_fd: fd('descriptor that stands for the other process'),
    target_fd: fd('its descriptor there'),
    flags: u32('flags; none are known'),
    pid: u32('process that is meant, initial namespace; 0 when the descriptor does not stand for one'),
  },
  limits: 'What the agent attaches on its own account sees calls aimed at the agent alone.',
})
