import { atTracepoint, defineFamily, s64, str, u32, u64 } from '../dsl.ts'

const programs = [atTracepoint('sched_process_fork')]

/** A process was created. Threads are not reported: the table is one of processes. */
export const fork = defineFamily({
  name: 'fork',
  object: 'process/fork',
  doc: 'A process created another',
  ring: 'critical',
  state: true,
  sets: ['process', 'default'],
  events: [
    { name: 'clone', id: 3, doc: 'clone(2), also for processes the kernel itself starts.', programs },
    { name: 'fork', id: 4, doc: 'fork(2).', programs },
    { name: 'vfork', id: 5, doc: 'vfork(2).', programs },
    { name: 'clone3', id: 6, doc: 'clone3(2).', programs },
  ],
  fields: {
    res: s64("process id of the child as the caller's pid namespace sees it"),
    child_start: u64('start of the child, CLOCK_BOOTTIME ns', { hidden: true }),
    child_pid: u32('process id of the child, initial namespace'),
    child_vpid: u32('process id of the child in its own pid namespace'),
    child_pidns: u32('inode number of the pid namespace of the child'),
    comm: str('name of the task', { max: 16 }),
  },
  limits: 'Creation of threads is not an event. A call that fails creates nothing and is not reported.',
})
