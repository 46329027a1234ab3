import { type FieldDecl, flags, s32, u32, u64 } from '../../dsl.ts'
import { CREDENTIAL_CHANGES } from '../../enums/index.ts'
import { around, defineHook } from './hook.ts'

const sameOr = (what: string): FieldDecl =>
  u32(`inode number of the ${what} now; 0 when it is the same as before`)
const was = (what: string): FieldDecl => u32(`inode number of the ${what} before`)

const MNT = 'mount namespace'
const PID = 'pid namespace of children to come'
const UTS = 'host name namespace'
const IPC = 'System V IPC namespace'
const NET = 'network namespace'
const CGROUP = 'cgroup namespace'

export const switchTaskNs = defineHook({
  name: 'switch_task_ns',
  id: 305,
  doc: 'A thread entered other namespaces.',
  sets: [],
  ring: 'critical',
  object: 'hooks/namespaces',
  programs: around('task_ns', 'setns', 'unshare'),
  fields: {
    pid: s32('the thread, initial pid namespace'),
    new_mnt: sameOr(MNT),
    new_pid: sameOr(PID),
    new_uts: sameOr(UTS),
    new_ipc: sameOr(IPC),
    new_net: sameOr(NET),
    new_cgroup: sameOr(CGROUP),
    old_mnt: was(MNT),
    old_pid: was(PID),
    old_uts: was(UTS),
    old_ipc: was(IPC),
    old_net: was(NET),
    old_cgroup: was(CGROUP),
  },
  limits:
    'From the end of setns and unshare, when they succeeded and something is other than before. User namespaces are in commit_creds, children that begin in new namespaces in clone; time namespaces are not there.',
})

const creds = (when: string): FieldDecl => ({
  storage: 'bytes',
  format: 'creds',
  max: 80,
  doc: `credentials ${when}: ids in the initial user namespace, inode number of the user namespace, securebits, capabilities`,
})

const CALLS = [
  ...[
    'setuid',
    'setgid',
    'setreuid',
    'setregid',
    'setresuid',
    'setresgid',
    'setfsuid',
    'setfsgid',
    'setgroups',
  ],
  ...['capset', 'unshare', 'setns', 'prctl'],
]

export const commitCreds = defineHook({
  name: 'commit_creds',
  id: 306,
  doc: 'A thread changed its credentials.',
  sets: [],
  ring: 'critical',
  object: 'hooks/credentials',
  programs: around('creds', ...CALLS),
  fields: {
    old_cred: creds('before'),
    new_cred: creds('now'),
    syscall: s32('number of the syscall that changed them, of the table that the task uses'),
    changed: flags('what is other than before', CREDENTIAL_CHANGES),
    old_euid: u32('effective user id before, initial user namespace'),
    new_euid: u32('effective user id now, initial user namespace'),
    old_cap_effective: u64('effective capabilities before', { format: 'caps' }),
    new_cap_effective: u64('effective capabilities now', { format: 'caps' }),
  },
  limits:
    'From the end of setuid, setgid, setreuid, setregid, setresuid, setresgid, setfsuid, setfsgid, setgroups, capset, unshare, setns and prctl, when something is other than before. Of supplementary groups their number and the 32 lowest are compared. What execve changes is in execve; keys, and what a security module or the kernel itself changes, are not there.',
})
