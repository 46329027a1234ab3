/** Flags and choices of calls on the system itself. Source: include/uapi/linux/{module,keyctl,reboot,kexec,lsm}.h, and what is named beside a table. */
import type { NameTable } from '../dsl.ts'

/** finit_module(2) flags. */
export const MODULE_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    MODULE_INIT_IGNORE_MODVERSIONS: 1,
    MODULE_INIT_IGNORE_VERMAGIC: 2,
    MODULE_INIT_COMPRESSED_FILE: 4,
  },
}

/** What the kernel reads a file for (include/linux/kernel_read_file.h), in the words it has for it. */
export const KERNEL_READS: NameTable = {
  kind: 'enum',
  names: {
    unknown: 0,
    firmware: 1,
    'kernel-module': 2,
    'kexec-image': 3,
    'kexec-initramfs': 4,
    'security-policy': 5,
    'x509-certificate': 6,
  },
}

/** delete_module(2) flags. */
export const DELETE_MODULE_FLAGS: NameTable = {
  kind: 'flags',
  names: { O_NONBLOCK: 0x800, O_TRUNC: 0x200 },
}

/** keyctl(2) operations. */
export const KEYCTL_OPERATIONS: NameTable = {
  kind: 'enum',
  names: {
    KEYCTL_GET_KEYRING_ID: 0,
    KEYCTL_JOIN_SESSION_KEYRING: 1,
    KEYCTL_UPDATE: 2,
    KEYCTL_REVOKE: 3,
    KEYCTL_CHOWN: 4,
    KEYCTL_SETPERM: 5,
    KEYCTL_DESCRIBE: 6,
    KEYCTL_CLEAR: 7,
    KEYCTL_LINK: 8,
    KEYCTL_UNLINK: 9,
    KEYCTL_SEARCH: 10,
    KEYCTL_READ: 11,
    KEYCTL_INSTANTIATE: 12,
    KEYCTL_NEGATE: 13,
    KEYCTL_SET_REQKEY_KEYRING: 14,
    KEYCTL_SET_TIMEOUT: 15,
    KEYCTL_ASSUME_AUTHORITY: 16,
    KEYCTL_GET_SECURITY: 17,
    KEYCTL_SESSION_TO_PARENT: 18,
    KEYCTL_REJECT: 19,
    KEYCTL_INSTANTIATE_IOV: 20,
    KEYCTL_INVALIDATE: 21,
    KEYCTL_GET_PERSISTENT: 22,
    KEYCTL_DH_COMPUTE: 23,
    KEYCTL_PKEY_QUERY: 24,
    KEYCTL_PKEY_ENCRYPT: 25,
    KEYCTL_PKEY_DECRYPT: 26,
    KEYCTL_PKEY_SIGN: 27,
    KEYCTL_PKEY_VERIFY: 28,
    KEYCTL_RESTRICT_KEYRING: 29,
    KEYCTL_MOVE: 30,
    KEYCTL_CAPABILITIES: 31,
    KEYCTL_WATCH_KEY: 32,
  },
}

/** Special keyrings. */
export const KEYRINGS: NameTable = {
  kind: 'enum',
  names: {
    KEY_SPEC_THREAD_KEYRING: -1,
    KEY_SPEC_PROCESS_KEYRING: -2,
    KEY_SPEC_SESSION_KEYRING: -3,
    KEY_SPEC_USER_KEYRING: -4,
    KEY_SPEC_USER_SESSION_KEYRING: -5,
    KEY_SPEC_GROUP_KEYRING: -6,
    KEY_SPEC_REQKEY_AUTH_KEY: -7,
    KEY_SPEC_REQUESTOR_KEYRING: -8,
  },
}

/** perf_event_open(2) flags. */
export const PERF_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    PERF_FLAG_FD_NO_GROUP: 1,
    PERF_FLAG_FD_OUTPUT: 2,
    PERF_FLAG_PID_CGROUP: 4,
    PERF_FLAG_FD_CLOEXEC: 8,
  },
}

/** userfaultfd(2) flags. */
export const USERFAULTFD_FLAGS: NameTable = {
  kind: 'flags',
  names: { UFFD_USER_MODE_ONLY: 1, O_NONBLOCK: 0x800, O_CLOEXEC: 0x80000 },
}

/** kexec_load(2) flags. */
export const KEXEC_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    KEXEC_ON_CRASH: 1,
    KEXEC_PRESERVE_CONTEXT: 2,
    KEXEC_UPDATE_ELFCOREHDR: 4,
    KEXEC_CRASH_HOTPLUG_SUPPORT: 8,
  },
}

/** kexec_file_load(2) flags. */
export const KEXEC_FILE_FLAGS: NameTable = {
  kind: 'flags',
  names: { KEXEC_FILE_UNLOAD: 1, KEXEC_FILE_ON_CRASH: 2, KEXEC_FILE_NO_INITRAMFS: 4, KEXEC_FILE_DEBUG: 8 },
}

/** First magic number of reboot(2). */
export const REBOOT_MAGIC: NameTable = {
  kind: 'enum',
  names: { LINUX_REBOOT_MAGIC1: 0xfee1dead },
}

/** Second magic numbers of reboot(2). */
export const REBOOT_MAGIC2: NameTable = {
  kind: 'enum',
  names: {
    LINUX_REBOOT_MAGIC2: 0x28121969,
    LINUX_REBOOT_MAGIC2A: 0x5121996,
    LINUX_REBOOT_MAGIC2B: 0x16041998,
    LINUX_REBOOT_MAGIC2C: 0x20112000,
  },
}

/** reboot(2) commands. */
export const REBOOT_COMMANDS: NameTable = {
  kind: 'enum',
  names: {
    LINUX_REBOOT_CMD_RESTART: 0x1234567,
    LINUX_REBOOT_CMD_HALT: 0xcdef0123,
    LINUX_REBOOT_CMD_CAD_ON: 0x89abcdef,
    LINUX_REBOOT_CMD_CAD_OFF: 0,
    LINUX_REBOOT_CMD_POWER_OFF: 0x4321fedc,
    LINUX_REBOOT_CMD_RESTART2: 0xa1b2c3d4,
    LINUX_REBOOT_CMD_SW_SUSPEND: 0xd000fce2,
    LINUX_REBOOT_CMD_KEXEC: 0x45584543,
  },
}

/** syslog(2) actions. */
export const SYSLOG_ACTIONS: NameTable = {
  kind: 'enum',
  names: {
    SYSLOG_ACTION_CLOSE: 0,
    SYSLOG_ACTION_OPEN: 1,
    SYSLOG_ACTION_READ: 2,
    SYSLOG_ACTION_READ_ALL: 3,
    SYSLOG_ACTION_READ_CLEAR: 4,
    SYSLOG_ACTION_CLEAR: 5,
    SYSLOG_ACTION_CONSOLE_OFF: 6,
    SYSLOG_ACTION_CONSOLE_ON: 7,
    SYSLOG_ACTION_CONSOLE_LEVEL: 8,
    SYSLOG_ACTION_SIZE_UNREAD: 9,
    SYSLOG_ACTION_SIZE_BUFFER: 10,
  },
}

/** Attributes of security modules. */
export const LSM_ATTRIBUTES: NameTable = {
  kind: 'enum',
  names: {
    LSM_ATTR_CURRENT: 100,
    LSM_ATTR_EXEC: 101,
    LSM_ATTR_FSCREATE: 102,
    LSM_ATTR_KEYCREATE: 103,
    LSM_ATTR_PREV: 104,
    LSM_ATTR_SOCKCREATE: 105,
  },
}
