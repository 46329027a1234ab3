import {
  address,
  atExit,
  atTracepoint,
  defineFamily,
  type EventDecl,
  oneOf,
  s64,
  str,
  u32,
  u64,
} from '../dsl.ts'
import { CLONE_FLAGS, SIGNALS } from '../enums/index.ts'

const scheduler = [atTracepoint('sched_process_fork')]
/** At its own exit a call tells of what the scheduler does not: failures and threads. */
const call = (name: string, id: number, doc: string): EventDecl => ({
  name,
  id,
  doc,
  programs: [...scheduler, { ...atExit(name), object: 'process/clone' }],
})

/** A process was created. The table is one of processes: threads come where the call is asked for. */
export const fork = defineFamily({
  name: 'fork',
  object: 'process/fork',
  doc: 'A process created another',
  ring: 'critical',
  state: true,
  sets: ['process', 'default'],
  events: [
    call('clone', 3, 'clone(2), also for processes the kernel itself starts.'),
    call('fork', 4, 'fork(2).'),
    call('vfork', 5, 'vfork(2).'),
    call('clone3', 6, 'clone3(2).'),
  ],
  fields: {
    res: s64("process or thread id of the child as the caller's pid namespace sees it, or a negative errno"),
    child_start: u64('start of the child, CLOCK_BOOTTIME ns', { hidden: true }),
    flags: u64('what the child shares with its parent, and more', { format: 'flags', names: CLONE_FLAGS }),
    exit_signal: oneOf('signal that tells the parent of the end', SIGNALS, 'u64'),
    stack: address('stack of the child: its end for clone, its lowest byte for clone3'),
    stack_size: u64('size of that stack in bytes (clone3)'),
    parent_tid: address('where the thread id is stored in the memory of the parent'),
    child_tid: address('where the thread id is stored in the memory of the child'),
    tls: address('thread-local storage of the child'),
    pidfd: address('where a descriptor of the child is stored (clone3)'),
    set_tid: address('process ids asked for (clone3)'),
    set_tid_size: u64('number of those'),
    cgroup: u64('descriptor of the cgroup to begin in (clone3)'),
    cl_args: address('structure of arguments (clone3)'),
    size: u64('size of that structure in bytes'),
    child_pid: u32('process id of the child, initial namespace; 0 for a thread and for a call that failed'),
    child_vpid: u32('process id of the child in its own pid namespace'),
    child_pidns: u32('inode number of the pid namespace of the child'),
    comm: str('name of the task', { max: 16 }),
  },
  limits:
    'Threads, and calls that fail, are reported where the call is asked for by name. Arguments of clone3 are read again when the call is done, so another thread may have changed them by then.',
})
