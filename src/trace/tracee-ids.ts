/** What `eventId` is of events that are no syscalls: the numbers of Tracee v0.7, where it has the event. */

/** What its programs send, from 1000 on in this order. */
const KERNEL: readonly string[] = [
  ...[
    'sys_enter',
    'sys_exit',
    'sched_process_fork',
    'sched_process_exec',
    'sched_process_exit',
    'sched_switch',
  ],
  ...[
    'do_exit',
    'cap_capable',
    'vfs_write',
    'vfs_writev',
    'mem_prot_alert',
    'commit_creds',
    'switch_task_ns',
  ],
  ...['magic_write', 'cgroup_attach_task', 'cgroup_mkdir', 'cgroup_rmdir', 'security_bprm_check'],
  ...['security_file_open', 'security_inode_unlink', 'security_socket_create', 'security_socket_listen'],
  ...['security_socket_connect', 'security_socket_accept', 'security_socket_bind', 'security_sb_mount'],
  ...['security_bpf', 'security_bpf_map', 'security_kernel_read_file', 'security_inode_mknod'],
  ...['security_kernel_post_read_file', 'security_inode_symlink', 'socket_dup', 'hidden_inodes'],
]
/** What it makes of these in user space, from 2000 on. */
const MADE: readonly string[] = [
  'init_namespaces',
  'container_create',
  'container_remove',
  'existing_container',
]

/** Ours begin here, far from all of them: below lie the numbers of syscalls. */
const OURS = 10_000

const IDS: ReadonlyMap<string, number> = new Map([
  ...KERNEL.map((name, i) => [name, 1000 + i] as const),
  ...MADE.map((name, i) => [name, 2000 + i] as const),
])

/** The number of an event that is no syscall; `own` is the one of our schema. */
export const traceeId = (name: string, own: number): number => IDS.get(name) ?? OURS + own
