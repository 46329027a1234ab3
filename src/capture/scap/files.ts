/** Events that open, name and close descriptors. */
import { AT_FDCWD, FILE_TYPES, FMODE_CREATED } from '../../../schema/enums/index.ts'
import { SCAP_CREATED } from '../../../schema/scap/values.ts'
import { joinPath } from '../../fields/paths.ts'
import { type Call, pathOf } from './call.ts'
import { FD_KINDS } from './format.ts'
import type { Handler, MakeHandler, MakeState } from './handler.ts'
import type { Plan, Source } from './plan.ts'
import { type Fd, fdOf, kernelDev } from './processes.ts'
import { offsetIn, type Shape } from './record.ts'
import { putSocket, socketSlots, textOfSocket } from './sockets.ts'

const O_DIRECTORY = 1 << 10
const SLASH = '/'

/** A call that makes a descriptor of a file by its name. */
export const opens: MakeHandler = (plan, shape) => {
  const [fd, name, dirfd, flags] = ['fd', 'name', 'dirfd', 'flags'].map(plan.source) as [
    Source,
    Source,
    Source,
    Source,
  ]
  const [dev, ino] = [plan.source('dev'), plan.source('ino')]
  const created = plan.event.name === 'creat' ? plan.source('creat_flags') : flags
  const mode = offsetIn(shape, 'f_mode')
  return {
    // The directory may be open under the number that the file gets now.
    after(call) {
      const number = call.number(fd, -1)
      if (number < 0) return
      const path = call.text(name)
      const from = path.startsWith(SLASH) ? '' : call.directory(call.number(dirfd, AT_FDCWD))
      const kind = (call.number(flags, 0) & O_DIRECTORY) === 0 ? FD_KINDS.file : FD_KINDS.directory
      const what = fdOf(kind, path, from, call.number(ino, 0), kernelDev(call.number(dev, 0)))
      call.processes.open(call.process, number, what)
    },
    fill(call) {
      if ((call.number(created, 0) & SCAP_CREATED) !== 0) call.record.u32(mode, FMODE_CREATED)
    },
  }
}

/** A call that makes a descriptor by other means. */
export const makes =
  (kind: number, nameOf: string | ((call: Call, plan: Plan) => string)): MakeState =>
  (plan) => {
    const [fd, res] = [plan.source('fd'), plan.source('res')]
    return {
      state(call) {
        const number =
          call.has(fd) && plan.event.params[0]?.name === 'fd' ? call.number(fd, -1) : call.number(res, -1)
        if (number < 0) return
        const name = typeof nameOf === 'string' ? nameOf : nameOf(call, plan)
        call.processes.open(call.process, number, fdOf(kind, name))
      },
    }
  }

/** memfd_create: the descriptor is called as the kernel calls it. */
export const memfd: MakeState = makes(
  FD_KINDS.memfd,
  (call, plan) => `memfd:${call.text(plan.source('name'))}`,
)

/** pipe and pipe2: both ends have the same inode. */
export const pipes: MakeState = (plan) => {
  const [res, one, two, ino] = ['res', 'fd1', 'fd2', 'ino'].map(plan.source) as [
    Source,
    Source,
    Source,
    Source,
  ]
  return {
    state(call) {
      if (call.number(res, -1) < 0) return
      const inode = call.number(ino, 0)
      const pipe = fdOf(FD_KINDS.fifo, `pipe:[${inode}]`, '', inode)
      for (const end of [one, two]) call.processes.open(call.process, call.number(end, -1), pipe)
    },
  }
}

/** close: a descriptor stands for nothing any more. */
export const closes: MakeState = (plan) => {
  const [res, fd] = [plan.source('res'), plan.source('fd')]
  return {
    state(call) {
      if (call.number(res, 0) >= 0) call.processes.close(call.process, call.number(fd, -1))
    },
  }
}

/** More than this is no list of descriptors that anybody has. */
const RANGE_MAX = 1 << 16

/** close_range: every descriptor from `first` to `last`. */
export const closesRange: MakeState = (plan) => {
  const [res, first, last] = ['res', 'first', 'last'].map(plan.source) as [Source, Source, Source]
  return {
    state(call) {
      if (call.number(res, -1) < 0) return
      const { fds } = call.process
      const from = call.number(first, 0, false)
      const to = call.number(last, -1, false)
      if (fds.size > RANGE_MAX) return
      for (const fd of [...fds.keys()]) if (fd >= from && fd <= to) call.processes.close(call.process, fd)
    },
  }
}

const S_IFMT_OF: Readonly<Record<number, number>> = {
  [FD_KINDS.file]: FILE_TYPES.S_IFREG,
  [FD_KINDS.directory]: FILE_TYPES.S_IFDIR,
  [FD_KINDS.fifo]: FILE_TYPES.S_IFIFO,
  [FD_KINDS.ipv4]: FILE_TYPES.S_IFSOCK,
  [FD_KINDS.ipv6]: FILE_TYPES.S_IFSOCK,
  [FD_KINDS.unix]: FILE_TYPES.S_IFSOCK,
  [FD_KINDS.netlink]: FILE_TYPES.S_IFSOCK,
}
const modeOf = ({ kind }: Fd): number => S_IFMT_OF[kind] ?? 0

const nameOf = (fd: Fd): string => (fd.socket === undefined ? pathOf(fd) : textOfSocket(fd.socket))

/** Put into the record what a descriptor stands for. */
function describer(shape: Shape): (call: Call, fd: Fd | undefined) => void {
  const path = shape.slots.get('path')
  const [mode, ino, dev] = ['i_mode', 'ino', 'dev'].map((name) => shape.slots.get(name)?.offset)
  return ({ record }, fd) => {
    if (fd === undefined) return
    if (mode !== undefined) record.u32(mode, modeOf(fd))
    if (ino !== undefined) record.u64(ino, fd.ino)
    if (dev !== undefined) record.u32(dev, fd.dev)
    const name = nameOf(fd)
    if (path !== undefined && name !== '') record.text(path, name)
  }
}

/** A call that is about an open file: write, fchmod. */
export const uses: MakeHandler = (plan, shape) => {
  const [fd, pos] = [plan.source('fd'), shape.slots.get('pos')]
  const describe = describer(shape)
  const inFd = shape.slots.get('fd_in')
  const copies = new Set(plan.copies.map(({ slot }) => slot))
  return {
    fill(call) {
      describe(call, call.fd(call.number(fd, -1)))
      if (pos !== undefined && !copies.has(pos)) call.record.u64(pos.offset, -1)
      if (inFd !== undefined && !copies.has(inFd)) call.record.u32(inFd.offset, -1)
    },
  }
}

/** dup, dup2 and dup3: the new descriptor stands for what the old one does. */
export const duplicates: MakeHandler = (plan, shape) => {
  const res = plan.source('res')
  const oldfd = plan.copies.find(({ slot }) => slot.name === 'oldfd')?.source ?? plan.source('fd')
  const newfd = plan.copies.find(({ slot }) => slot.name === 'newfd')
  const describe = describer(shape)
  const sockets = socketSlots(shape)
  return {
    state(call) {
      copyFd(call, call.number(oldfd, -1), call.number(res, -1))
    },
    fill(call) {
      if (newfd === undefined) call.record.u32(offsetIn(shape, 'newfd'), -1)
      if (call.number(res, -1) < 0) return
      const fd = call.fd(call.number(res, -1))
      if (fd?.socket === undefined) describe(call, fd)
      else {
        call.record.u32(offsetIn(shape, 'i_mode'), FILE_TYPES.S_IFSOCK)
        putSocket(call, sockets, fd.socket)
      }
    },
  }
}

function copyFd(call: Call, from: number, to: number): void {
  const fd = call.fd(from)
  if (to < 0 || from === to) return
  if (fd === undefined) call.processes.close(call.process, to)
  else call.processes.open(call.process, to, fd)
}

const F_DUPFD = 1
const F_DUPFD_CLOEXEC = 26

/** fcntl: only what makes another descriptor changes anything. */
export const controls: MakeState = (plan) => {
  const [res, fd, cmd] = ['res', 'fd', 'cmd'].map(plan.source) as [Source, Source, Source]
  return {
    state(call) {
      const command = call.number(cmd, 0)
      if (command === F_DUPFD || command === F_DUPFD_CLOEXEC)
        copyFd(call, call.number(fd, -1), call.number(res, -1))
    },
  }
}

/** The current directory is another one. */
export const changesDirectory =
  (moved: (call: Call) => void): MakeState =>
  (plan) => {
    const [res, path, fd] = ['res', 'path', 'fd'].map(plan.source) as [Source, Source, Source]
    const of = (call: Call): string => {
      if (plan.event.name !== 'fchdir') return joinPath(call.process.cwd, call.text(path))
      const dir = call.fd(call.number(fd, -1))
      return dir === undefined ? '' : pathOf(dir)
    }
    return {
      state(call) {
        if (call.number(res, -1) !== 0) return
        const cwd = of(call)
        if (!cwd.startsWith(SLASH)) return
        call.process.cwd = cwd
        moved(call)
      },
    } satisfies Handler
  }
