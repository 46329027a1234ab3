/** Descriptors that calls without a file of their own make: what they are, by the call. */
import type { Str } from '../../decode/str.ts'
import type { SyscallContext } from '../context.ts'
import type { FdTypeChar } from './types.ts'

interface Made {
  readonly type: FdTypeChar
  /** What the kernel calls it; a memory file is called after the name it was given, a pipe after its inode. */
  readonly name?: string
}

const EVENTFD: Made = { type: 'e', name: 'anon_inode:[eventfd]' }
const SIGNALFD: Made = { type: 's', name: 'anon_inode:[signalfd]' }
const EPOLL: Made = { type: 'l', name: 'anon_inode:[eventpoll]' }
const INOTIFY: Made = { type: 'i', name: 'anon_inode:inotify' }
const PIPE: Made = { type: 'p' }
const MEMFD: Made = { type: 'm' }
const BPF: Made = { type: 'b' }

const MAKERS: ReadonlyMap<string, Made> = new Map<string, Made>([
  ['memfd_create', MEMFD],
  ['pipe', PIPE],
  ['pipe2', PIPE],
  ['eventfd', EVENTFD],
  ['eventfd2', EVENTFD],
  ['signalfd', SIGNALFD],
  ['signalfd4', SIGNALFD],
  ['timerfd_create', { type: 't', name: 'anon_inode:[timerfd]' }],
  ['inotify_init', INOTIFY],
  ['inotify_init1', INOTIFY],
  ['epoll_create', EPOLL],
  ['epoll_create1', EPOLL],
  ['pidfd_open', { type: 'P', name: 'anon_inode:[pidfd]' }],
  ['bpf', BPF],
  ['io_uring_setup', { type: 'r', name: 'anon_inode:[io_uring]' }],
  ['userfaultfd', { type: 'U', name: 'anon_inode:[userfaultfd]' }],
])

/** Events about a descriptor that their call made (bpf: or was given). */
export const MADE_EVENTS: readonly string[] = [...MAKERS.keys()]

/** Number of the descriptor, the first of a pipe's two; -1 after a failure, undefined for other events. */
export function madeNumber({ event }: SyscallContext): number | undefined {
  const made = MAKERS.get(event.name)
  if (made === undefined) return undefined
  const result = event.number('res')!
  if (result < 0) return -1
  switch (made.type) {
    case 'b': {
      const fd = event.number('fd')!
      return fd < 0 ? undefined : fd
    }
    case 'p': {
      const pair = event.bytes('pipefd')
      return pair === undefined || pair.length < 4 ? undefined : pair[0]! | (pair[1]! << 8) | (pair[2]! << 16)
    }
    default:
      return result
  }
}

/** What it is; undefined after a failure, when there is none, and for other events. */
export function madeType(ctx: SyscallContext): FdTypeChar | undefined {
  const number = madeNumber(ctx)
  return number === undefined || number < 0 ? undefined : MAKERS.get(ctx.event.name)!.type
}

/** What it is called. */
export function madeName(ctx: SyscallContext): Str | undefined {
  const type = madeType(ctx)
  if (type === undefined) return undefined
  if (type !== 'm') {
    const { name } = MAKERS.get(ctx.event.name)!
    return name === undefined ? undefined : ctx.lookup.intern(name)
  }
  const name = ctx.event.string('name')
  return name && ctx.lookup.intern(`memfd:${name.text}`)
}
