import { atTracepoint, defineFamily, s32, u32 } from '../dsl.ts'

/** The last thread of a process ended. */
export const exit = defineFamily({
  name: 'exit',
  object: 'process/exit',
  doc: 'A process ended',
  ring: 'critical',
  state: true,
  sets: ['process', 'default'],
  events: [
    {
      name: 'procexit',
      id: 7,
      doc: 'The last thread of a process ended.',
      programs: [atTracepoint('sched_process_exit')],
    },
  ],
  fields: {
    status: s32('wait(2) status word of the process'),
    ret: s32('exit code; 0 when a signal ended it'),
    sig: u32('signal that ended it; 0 otherwise'),
    core: u32('1 when a core was dumped'),
  },
  limits: 'One event a process, when its last thread goes; the exit of other threads is not reported.',
})
