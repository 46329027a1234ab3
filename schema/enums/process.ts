import type { NameTable } from '../dsl.ts'

/** Bits of `exe_flags`, with Falco's names and values; EXE_DELETED is ours alone. */
export const EXE_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    /** The caller may write the executable it runs. */
    EXE_WRITABLE: 1,
    /** The executable lives in an overlayfs upper layer. */
    EXE_UPPER_LAYER: 2,
    /** The executable is an anonymous memory file. */
    EXE_FROM_MEMFD: 4,
    /** The executable lives in the lower layer of an overlayfs: it came with the image. */
    EXE_LOWER_LAYER: 8,
    /** The executable has no name left in any directory; a memory file never had one. */
    EXE_DELETED: 16,
  },
}

/** Flags of clone and clone3 (include/uapi/linux/sched.h). The last two, and CLONE_NEWTIME, are clone3's alone. */
export const CLONE_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    CLONE_VM: 0x100,
    CLONE_FS: 0x200,
    CLONE_FILES: 0x400,
    CLONE_SIGHAND: 0x800,
    CLONE_PIDFD: 0x1000,
    CLONE_PTRACE: 0x2000,
    CLONE_VFORK: 0x4000,
    CLONE_PARENT: 0x8000,
    CLONE_THREAD: 0x10000,
    CLONE_NEWNS: 0x20000,
    CLONE_SYSVSEM: 0x40000,
    CLONE_SETTLS: 0x80000,
    CLONE_PARENT_SETTID: 0x100000,
    CLONE_CHILD_CLEARTID: 0x200000,
    CLONE_DETACHED: 0x400000,
    CLONE_UNTRACED: 0x800000,
    CLONE_CHILD_SETTID: 0x1000000,
    CLONE_NEWCGROUP: 0x2000000,
    CLONE_NEWUTS: 0x4000000,
    CLONE_NEWIPC: 0x8000000,
    CLONE_NEWUSER: 0x10000000,
    CLONE_NEWPID: 0x20000000,
    CLONE_NEWNET: 0x40000000,
    CLONE_IO: 0x80000000,
    CLONE_NEWTIME: 0x80,
    CLONE_CLEAR_SIGHAND: 0x100000000,
    CLONE_INTO_CGROUP: 0x200000000,
  },
}

/** What unshare and setns take of them. */
export const UNSHARE_FLAGS: NameTable = {
  kind: 'flags',
  names: Object.fromEntries(
    [
      'CLONE_NEWTIME',
      'CLONE_VM',
      'CLONE_FS',
      'CLONE_FILES',
      'CLONE_SIGHAND',
      'CLONE_THREAD',
      'CLONE_NEWNS',
      'CLONE_SYSVSEM',
      'CLONE_NEWCGROUP',
      'CLONE_NEWUTS',
      'CLONE_NEWIPC',
      'CLONE_NEWUSER',
      'CLONE_NEWPID',
      'CLONE_NEWNET',
    ].map((name) => [name, CLONE_FLAGS.names[name]!]),
  ),
}

/** What a change of credentials touched (commit_creds). */
export const CREDENTIAL_CHANGES: NameTable = {
  kind: 'flags',
  names: { UIDS: 1, GIDS: 2, GROUPS: 4, CAPABILITIES: 8, SECUREBITS: 16, USER_NAMESPACE: 32 },
}

/** Capabilities by bit number (include/uapi/linux/capability.h). */
export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

/** The same as a choice. */
export const CAPABILITY_NUMBERS: NameTable = {
  kind: 'enum',
  names: Object.fromEntries(CAPABILITIES.map((name, bit) => [name, bit])),
}
