import { atTracepoint, defineFamily, str } from '../dsl.ts'

/** A task changed its name by prctl(PR_SET_NAME) or through /proc; exec is reported by its own event. */
export const taskRename = defineFamily({
  name: 'task_rename',
  object: 'process/task_rename',
  doc: 'A process changed its own name',
  ring: 'critical',
  state: true,
  sets: ['process'],
  events: [
    {
      name: 'task_rename',
      id: 8,
      doc: 'The main thread of a process got another name.',
      programs: [atTracepoint('task_rename')],
    },
  ],
  fields: {
    oldname: str('name before', { max: 16 }),
    newname: str('name after', { max: 16 }),
  },
  limits: 'Names of threads other than the main one are not reported.',
})
