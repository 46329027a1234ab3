import { defineFamily, u32 } from '../dsl.ts'

/** Tells the agent to look at the syscalls of 32-bit programs, because there is one. */
export const compatExec = defineFamily({
  name: 'compat_exec',
  object: 'generic/compat_exec',
  doc: 'A process executed a 32-bit program',
  ring: 'critical',
  sets: [],
  events: [
    {
      name: 'compat_exec',
      id: 901,
      doc: 'A process executed a 32-bit program.',
      programs: [{ name: 'on_compat_exec', section: 'tp_btf/sched_process_exec' }],
      internal: true,
    },
  ],
  fields: { nothing: u32('always 0') },
  limits: 'What the program does before the agent has attached its programs is not seen.',
})
