import { type FieldDecl, flags, mode, path, result, str, u32 } from '../../dsl.ts'
import { MOUNT_FLAGS, PATH_FLAGS } from '../../enums/index.ts'
import { atExits, defineHook } from './hook.ts'

const sets = ['lsm_hooks', 'fs', 'fs_file_ops'] as const
const object = 'hooks/names'
const WHEN =
  'From the end of the call, when it succeeded; symbolic links in the path are not resolved. What io_uring does is not there.'

const dir = path('directory a relative path starts from', { hidden: true })
const how: FieldDecl = flags('how the path came about', PATH_FLAGS, { hidden: true })
const named = (doc: string): FieldDecl => ({ ...path(doc), base: 'dir' })

export const securityInodeUnlink = defineHook({
  name: 'security_inode_unlink',
  id: 320,
  doc: 'A name of a file was removed.',
  sets: ['default', ...sets],
  object,
  programs: atExits('inode_unlink', 'unlink', 'unlinkat'),
  fields: { pathname: named('path of the name'), dir, path_flags: how },
  limits: WHEN,
})

export const securityInodeMknod = defineHook({
  name: 'security_inode_mknod',
  id: 321,
  doc: 'A device node, named pipe or socket was made by name.',
  sets: ['lsm_hooks'],
  object,
  programs: atExits('inode_mknod', 'mknod', 'mknodat'),
  fields: {
    file_name: named('path of the node'),
    mode: mode('type and permission bits as asked for'),
    dev: u32('device that the node stands for', { format: 'dev' }),
    dir,
    path_flags: how,
  },
  limits: `${WHEN} A unix socket that bind makes is not there.`,
})

export const securityInodeSymlink = defineHook({
  name: 'security_inode_symlink',
  id: 322,
  doc: 'A symbolic link was made.',
  sets,
  object,
  programs: atExits('inode_symlink', 'symlink', 'symlinkat'),
  fields: { linkpath: named('path of the link'), target: path('text of the link'), dir, path_flags: how },
  limits: WHEN,
})

export const securityInodeRename = defineHook({
  name: 'security_inode_rename',
  id: 323,
  doc: 'A file or directory got another name.',
  sets,
  object,
  programs: atExits('inode_rename', 'rename', 'renameat', 'renameat2'),
  fields: {
    path_flags: how,
    old_path: { ...path('old path', { max: 3000 }), base: 'old_dir' },
    new_path: { ...path('new path', { max: 3000 }), base: 'new_dir' },
    old_dir: dir,
    new_dir: path('directory a relative new path starts from', { hidden: true }),
  },
  limits: `${WHEN} Also where both are names of the same file, when nothing happens.`,
})

export const securitySbMount = defineHook({
  name: 'security_sb_mount',
  id: 324,
  doc: 'A file system was mounted, or a mount changed.',
  sets: ['default', 'lsm_hooks', 'fs'],
  object,
  programs: atExits('sb_mount', 'mount'),
  fields: {
    res: result('0, or a negative errno'),
    dev_name: str('what is mounted', { max: 3000 }),
    path: { ...path('where', { max: 3000 }), base: 'dir' },
    type: str('type of file system', { max: 256 }),
    flags: flags('mount flags', MOUNT_FLAGS),
    dir,
    path_flags: how,
  },
  limits:
    'From the end of mount, whether it succeeded or not. Mounts made by fsmount and move_mount are events of those syscalls.',
})
