import { flags, mode, path, s32, s64, str, strv, u32, u64 } from '../../dsl.ts'
import { PATH_FLAGS } from '../../enums/index.ts'
import { atTyped, defineHook } from './hook.ts'

const sets = ['proc', 'proc_life'] as const
const object = 'hooks/tasks'

export const schedProcessFork = defineHook({
  name: 'sched_process_fork',
  id: 300,
  doc: 'A task was made: a process or a thread.',
  sets: [],
  object,
  programs: atTyped('sched_process_fork'),
  fields: {
    parent_tid: s32('thread id of the parent, initial pid namespace'),
    parent_ns_tid: s32('the same in its own pid namespace'),
    parent_pid: s32('process id of the parent, initial pid namespace'),
    parent_ns_pid: s32('the same in its own pid namespace'),
    child_tid: s32('thread id of the child, initial pid namespace'),
    child_ns_tid: s32('the same in its own pid namespace'),
    child_pid: s32('process id of the child, initial pid namespace; that of the parent for a thread'),
    child_ns_pid: s32('the same in its own pid namespace'),
    start_time: u64('start of the child, CLOCK_BOOTTIME ns'),
  },
  limits: 'Made before the child runs for the first time.',
})

export const schedProcessExit = defineHook({
  name: 'sched_process_exit',
  id: 302,
  doc: 'A task ended: a process or a thread.',
  sets: ['default', ...sets],
  object,
  programs: atTyped('sched_process_exit'),
  fields: {
    exit_code: s64('exit status'),
    process_group_exit: u32('1 when it was the last thread of its process'),
  },
  limits: 'A process that a signal ended has the status 0 here; the event procexit tells the signal.',
})

export const doExit = defineHook({
  name: 'do_exit',
  id: 303,
  doc: 'A task began to end.',
  sets,
  object,
  programs: atTyped('do_exit', 'sched_process_exit'),
  fields: { code: s64('what the task ends with, as wait(2) shows it') },
  limits: 'From the tracepoint sched_process_exit, a little after the beginning of the function.',
})

export const schedSwitch = defineHook({
  name: 'sched_switch',
  id: 304,
  doc: 'A processor went from one task to another.',
  sets: [],
  object,
  programs: atTyped('sched_switch'),
  fields: {
    cpu: s32('the processor'),
    prev_tid: s32('task that stops running, initial pid namespace'),
    prev_comm: str('its name', { max: 16 }),
    next_tid: s32('task that runs now, initial pid namespace'),
    next_comm: str('its name', { max: 16 }),
  },
  limits: 'The event is that of the task that stops running. Switches from and to the agent are left out.',
})

export const schedProcessExec = defineHook({
  name: 'sched_process_exec',
  id: 301,
  doc: 'A process runs another program.',
  sets: ['default', 'proc'],
  object: 'process/exec',
  programs: atTyped('sched_process_exec'),
  fields: {
    cmdpath: path('path as the caller gave it, or what stands for its descriptor'),
    pathname: path('path of the program as the kernel resolved it'),
    argv: strv('arguments'),
    env: strv('environment, when it is captured (kernel.env)'),
    dev: u32('device of the program', { format: 'dev' }),
    inode: u64('inode number of the program'),
    invoked_from_kernel: s32('1 when the kernel itself started it'),
    ctime: u64('change time of that inode', { format: 'time' }),
    stdin_type: mode('type and permission bits of what standard input is; 0 when it is closed'),
    path_flags: flags('how the path came about', PATH_FLAGS, { hidden: true }),
  },
  limits: 'argv and env are cut at kernel.argv_bytes and kernel.env_bytes, by default 32 KiB each.',
})
