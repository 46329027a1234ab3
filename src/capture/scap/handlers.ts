/** Which events mean more than their values, by the name captures have for them. */
import {
  changesDirectory,
  closes,
  closesRange,
  controls,
  duplicates,
  makes,
  memfd,
  opens,
  pipes,
  uses,
} from './files.ts'
import { FD_KINDS } from './format.ts'
import type { Handler, MakeHandler, MakeState } from './handler.ts'
import { becomes, executes, exits, forks, joinsGroup, leadsSession, tellKnown } from './lifecycle.ts'
import { PLANS, type Plan } from './plan.ts'
import { accepts, changesSocket, makesSocket, moves } from './sockets.ts'

/** Of events that we have. */
const HANDLERS: Readonly<Record<string, MakeHandler>> = {
  ...each('open openat openat2 creat', opens),
  ...each('write writev pwrite pwritev ftruncate copy_file_range fchmod', uses),
  ...each('dup dup2 dup3', duplicates),
  ...each('socket socketpair', makesSocket),
  ...each('connect bind listen', changesSocket),
  ...each('accept accept4', accepts),
  ...each('sendto sendmsg sendmmsg', moves(true)),
  ...each('recvfrom recvmsg recvmmsg', moves(false)),
  ...each('clone clone3 fork vfork', forks),
  ...each('execve execveat', executes),
  procexit: exits,
}

/** Of any event. */
const STATES: Readonly<Record<string, MakeState>> = {
  close: closes,
  close_range: closesRange,
  ...each('pipe pipe2', pipes),
  fcntl: controls,
  ...each('chdir fchdir', changesDirectory(tellKnown)),
  ...each('eventfd eventfd2', makes(FD_KINDS.eventfd, 'anon_inode:[eventfd]')),
  ...each('signalfd signalfd4', makes(FD_KINDS.signalfd, 'anon_inode:[signalfd]')),
  timerfd_create: makes(FD_KINDS.timerfd, 'anon_inode:[timerfd]'),
  ...each('inotify_init inotify_init1', makes(FD_KINDS.inotify, 'anon_inode:inotify')),
  ...each('epoll_create epoll_create1', makes(FD_KINDS.eventpoll, 'anon_inode:[eventpoll]')),
  io_uring_setup: makes(FD_KINDS.ioUring, 'anon_inode:[io_uring]'),
  userfaultfd: makes(FD_KINDS.userfaultfd, 'anon_inode:[userfaultfd]'),
  ...each('pidfd_open pidfd_getfd', makes(FD_KINDS.pidfd, 'anon_inode:[pidfd]')),
  open_by_handle_at: makes(FD_KINDS.file, (call, plan) => call.text(plan.source('path'))),
  memfd_create: memfd,
  setuid: becomes('uid', 'uid'),
  ...each('setresuid setreuid', becomes('uid', 'euid')),
  setgid: becomes('gid', 'gid'),
  ...each('setresgid setregid', becomes('gid', 'egid')),
  setsid: leadsSession,
  setpgid: joinsGroup,
}

function each<T>(names: string, what: T): Readonly<Record<string, T>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, what]))
}

const NOTHING: Handler = {}

function handlerOf(plan: Plan | undefined): Handler {
  if (plan === undefined) return NOTHING
  const { name } = plan.event
  const special = HANDLERS[name]
  if (special !== undefined && plan.shape !== undefined) return special(plan, plan.shape)
  return STATES[name]?.(plan) ?? NOTHING
}

/** By number. */
export const handlersByNumber = (): readonly Handler[] => PLANS.map(handlerOf)
