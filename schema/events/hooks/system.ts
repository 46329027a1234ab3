import { flags, oneOf, s32, s64, str, u32, u64 } from '../../dsl.ts'
import { BPF_COMMANDS, CAPABILITY_NUMBERS, PROT_ALERTS, PROT_FLAGS } from '../../enums/index.ts'
import { atExits, atTyped, defineHook } from './hook.ts'

export const capCapable = defineHook({
  name: 'cap_capable',
  id: 340,
  doc: 'The kernel asked whether a task has a capability.',
  sets: ['default'],
  object: 'hooks/capabilities',
  programs: atTyped('cap_capable'),
  fields: {
    res: s64('0: it has; -1: it has not'),
    cap: oneOf('the capability', CAPABILITY_NUMBERS, 's32'),
    syscall: s32('number of the syscall that the task is in, of the table that it uses'),
  },
  limits:
    'Needs the tracepoint cap_capable, Linux 6.14. Questions that are not to be audited are there, too.',
})

export const memProtAlert = defineHook({
  name: 'mem_prot_alert',
  id: 341,
  doc: 'Memory became executable that was, or is, writable.',
  sets: [],
  object: 'hooks/memory',
  programs: [
    ...atExits('mem_prot', 'mmap', 'mprotect', 'pkey_mprotect'),
    { name: 'mem_prot_enter_mprotect', section: 'tp/syscalls/sys_enter_mprotect' },
    { name: 'mem_prot_enter_pkey_mprotect', section: 'tp/syscalls/sys_enter_pkey_mprotect' },
  ],
  fields: {
    addr: u64('start of the memory', { format: 'address' }),
    len: u64('length in bytes'),
    alert: oneOf('what happened', PROT_ALERTS),
    prot: flags('protection now', PROT_FLAGS),
    prev_prot: flags('protection of its first page before; 0 for new memory', PROT_FLAGS),
  },
  limits:
    'From the end of mmap, mprotect and pkey_mprotect, when they succeeded. Memory of several kinds is judged by its first page. Where another thread held the memory of the process when the call began, what it was before is not known: the alert is MPROTECT_EXEC_ADDED and the record marked as partial. Memory that shmat or the start of a program makes executable is not there.',
})

export const securityBpf = defineHook({
  name: 'security_bpf',
  id: 342,
  doc: 'A BPF command.',
  sets: ['lsm_hooks'],
  object: 'process/bpf_call',
  programs: atExits('security_bpf', 'bpf'),
  fields: { cmd: oneOf('the command', BPF_COMMANDS) },
  limits: 'From the end of the call, whether it succeeded or not. Those of the agent are left out.',
})

export const securityBpfMap = defineHook({
  name: 'security_bpf_map',
  id: 343,
  doc: 'A process got a descriptor of a BPF map.',
  sets: ['lsm_hooks'],
  object: 'process/bpf_call',
  programs: atExits('security_bpf_map', 'bpf'),
  fields: { map_id: u32('id of the map'), map_name: str('its name', { max: 16 }) },
  limits: 'From the end of the call, when it succeeded. Those of the agent are left out.',
})

export const sysEnter = defineHook({
  name: 'sys_enter',
  id: 344,
  doc: 'A syscall begins.',
  sets: [],
  object: 'hooks/calls',
  programs: [{ name: 'hook_sys_enter', section: 'raw_tp/sys_enter' }],
  fields: { syscall: s32('its number, of the table that the task uses') },
  limits: 'Every syscall of the machine but those of the agent: expect losses.',
})

export const sysExit = defineHook({
  name: 'sys_exit',
  id: 345,
  doc: 'A syscall ends.',
  sets: [],
  object: 'hooks/calls',
  programs: [{ name: 'hook_sys_exit', section: 'raw_tp/sys_exit' }],
  fields: { res: s64('what it returned'), syscall: s32('its number, of the table that the task uses') },
  limits: 'Every syscall of the machine but those of the agent: expect losses.',
})
