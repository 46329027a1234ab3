/** Flags and choices of mounts, swap and Landlock. Source: include/uapi/linux/{mount,landlock}.h. */
import type { NameTable } from '../dsl.ts'

/** mount(2) flags. */
export const MOUNT_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    MS_RDONLY: 1,
    MS_NOSUID: 2,
    MS_NODEV: 4,
    MS_NOEXEC: 8,
    MS_SYNCHRONOUS: 0x10,
    MS_REMOUNT: 0x20,
    MS_MANDLOCK: 0x40,
    MS_DIRSYNC: 0x80,
    MS_NOSYMFOLLOW: 0x100,
    MS_NOATIME: 0x400,
    MS_NODIRATIME: 0x800,
    MS_BIND: 0x1000,
    MS_MOVE: 0x2000,
    MS_REC: 0x4000,
    MS_SILENT: 0x8000,
    MS_POSIXACL: 0x10000,
    MS_UNBINDABLE: 0x20000,
    MS_PRIVATE: 0x40000,
    MS_SLAVE: 0x80000,
    MS_SHARED: 0x100000,
    MS_RELATIME: 0x200000,
    MS_KERNMOUNT: 0x400000,
    MS_I_VERSION: 0x800000,
    MS_STRICTATIME: 0x1000000,
    MS_LAZYTIME: 0x2000000,
  },
}

/** umount2(2) flags. */
export const UMOUNT_FLAGS: NameTable = {
  kind: 'flags',
  names: { MNT_FORCE: 1, MNT_DETACH: 2, MNT_EXPIRE: 4, UMOUNT_NOFOLLOW: 8 },
}

/** move_mount(2) flags. */
export const MOVE_MOUNT_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    MOVE_MOUNT_F_SYMLINKS: 1,
    MOVE_MOUNT_F_AUTOMOUNTS: 2,
    MOVE_MOUNT_F_EMPTY_PATH: 4,
    MOVE_MOUNT_T_SYMLINKS: 0x10,
    MOVE_MOUNT_T_AUTOMOUNTS: 0x20,
    MOVE_MOUNT_T_EMPTY_PATH: 0x40,
    MOVE_MOUNT_SET_GROUP: 0x100,
    MOVE_MOUNT_BENEATH: 0x200,
  },
}

/** fsopen(2) flags. */
export const FSOPEN_FLAGS: NameTable = {
  kind: 'flags',
  names: { FSOPEN_CLOEXEC: 1 },
}

/** fsmount(2) flags. */
export const FSMOUNT_FLAGS: NameTable = {
  kind: 'flags',
  names: { FSMOUNT_CLOEXEC: 1, FSMOUNT_NAMESPACE: 2 },
}

/** fspick(2) flags. */
export const FSPICK_FLAGS: NameTable = {
  kind: 'flags',
  names: { FSPICK_CLOEXEC: 1, FSPICK_SYMLINK_NOFOLLOW: 2, FSPICK_NO_AUTOMOUNT: 4, FSPICK_EMPTY_PATH: 8 },
}

/** fsconfig(2) commands. */
export const FSCONFIG_COMMANDS: NameTable = {
  kind: 'enum',
  names: {
    FSCONFIG_SET_FLAG: 0,
    FSCONFIG_SET_STRING: 1,
    FSCONFIG_SET_BINARY: 2,
    FSCONFIG_SET_PATH: 3,
    FSCONFIG_SET_PATH_EMPTY: 4,
    FSCONFIG_SET_FD: 5,
    FSCONFIG_CMD_CREATE: 6,
    FSCONFIG_CMD_RECONFIGURE: 7,
    FSCONFIG_CMD_CREATE_EXCL: 8,
  },
}

/** Mount attributes. */
export const MOUNT_ATTRIBUTES: NameTable = {
  kind: 'flags',
  names: {
    MOUNT_ATTR_RDONLY: 1,
    MOUNT_ATTR_NOSUID: 2,
    MOUNT_ATTR_NODEV: 4,
    MOUNT_ATTR_NOEXEC: 8,
    MOUNT_ATTR_NOATIME: 0x10,
    MOUNT_ATTR_STRICTATIME: 0x20,
    MOUNT_ATTR_NODIRATIME: 0x80,
    MOUNT_ATTR_IDMAP: 0x100000,
    MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
  },
}

/** swapon(2) flags. */
export const SWAP_FLAGS: NameTable = {
  kind: 'flags',
  names: {
    SWAP_FLAG_PREFER: 0x8000,
    SWAP_FLAG_DISCARD: 0x10000,
    SWAP_FLAG_DISCARD_ONCE: 0x20000,
    SWAP_FLAG_DISCARD_PAGES: 0x40000,
  },
}

/** Landlock rule types. */
export const LANDLOCK_RULES: NameTable = {
  kind: 'enum',
  names: { LANDLOCK_RULE_PATH_BENEATH: 1, LANDLOCK_RULE_NET_PORT: 2 },
}

/** landlock_create_ruleset(2) flags. */
export const LANDLOCK_RULESET: NameTable = {
  kind: 'flags',
  names: { LANDLOCK_CREATE_RULESET_VERSION: 1, LANDLOCK_CREATE_RULESET_ERRATA: 2 },
}
