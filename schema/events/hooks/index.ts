import type { FamilyDecl } from '../../dsl.ts'
import { commitCreds, switchTaskNs } from './credentials.ts'
import {
  hiddenInodes,
  magicWrite,
  securityBprmCheck,
  securityFileOpen,
  securityKernelPostReadFile,
  securityKernelReadFile,
  vfsWrite,
  vfsWritev,
} from './files.ts'
import {
  securityInodeMknod,
  securityInodeRename,
  securityInodeSymlink,
  securityInodeUnlink,
  securitySbMount,
} from './names.ts'
import {
  securitySocketAccept,
  securitySocketBind,
  securitySocketConnect,
  securitySocketCreate,
  securitySocketListen,
  socketDup,
} from './sockets.ts'
import { initNamespaces } from './start.ts'
import { capCapable, memProtAlert, securityBpf, securityBpfMap, sysEnter, sysExit } from './system.ts'
import { doExit, schedProcessExec, schedProcessExit, schedProcessFork, schedSwitch } from './tasks.ts'

/** Events called after functions and tracepoints of the kernel. */
export const HOOKS: readonly FamilyDecl[] = [
  schedProcessFork,
  schedProcessExec,
  schedProcessExit,
  doExit,
  schedSwitch,
  switchTaskNs,
  commitCreds,
  securityFileOpen,
  securityBprmCheck,
  vfsWrite,
  vfsWritev,
  magicWrite,
  securityKernelReadFile,
  securityKernelPostReadFile,
  hiddenInodes,
  securityInodeUnlink,
  securityInodeMknod,
  securityInodeSymlink,
  securityInodeRename,
  securitySbMount,
  securitySocketCreate,
  securitySocketListen,
  securitySocketConnect,
  securitySocketAccept,
  securitySocketBind,
  socketDup,
  capCapable,
  memProtAlert,
  securityBpf,
  securityBpfMap,
  sysEnter,
  sysExit,
  initNamespaces,
]
