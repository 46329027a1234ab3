/** User and group of the event, with the names the host has for them. */
import type { SyscallContext } from '../context.ts'
import { field, processField, type SyscallField, textOf } from '../syscall-field.ts'

/**
 * Names belong to the host's databases: a process in a container may have another user of the same number, so it gets
 * no name rather than a wrong one. Root is root everywhere.
 */
const userName = (ctx: SyscallContext, uid: number): string | undefined =>
  ctx.process?.containerId === undefined || uid === 0 ? ctx.lookup.userName(uid) : undefined

export const userFields: readonly SyscallField[] = [
  field({
    name: 'user.uid',
    type: 'uint',
    cost: 'free',
    doc: 'Effective user id in the initial user namespace.',
    get: (ctx) => ctx.event.uid,
  }),
  field({
    name: 'user.name',
    type: 'string',
    cost: 'state',
    doc: 'Name of the effective user on the host. Absent when it has none, and for users other than root inside containers.',
    get: (ctx) => textOf(ctx, userName(ctx, ctx.event.uid)),
  }),
  field({
    name: 'user.homedir',
    type: 'path',
    cost: 'state',
    doc: 'Home directory of the effective user on the host; absent inside containers.',
    get: (ctx) => textOf(ctx, onHost(ctx) ? ctx.lookup.userHome(ctx.event.uid) : undefined),
  }),
  field({
    name: 'user.shell',
    type: 'path',
    cost: 'state',
    doc: 'Login shell of the effective user on the host; absent inside containers.',
    get: (ctx) => textOf(ctx, onHost(ctx) ? ctx.lookup.userShell(ctx.event.uid) : undefined),
  }),
  processField({
    name: 'user.loginuid',
    type: 'int',
    doc: 'User id of the login session (audit uid), which su and sudo do not change; -1 when there is none.',
    of: (process) => process.loginuid,
  }),
  processField({
    name: 'user.loginname',
    type: 'string',
    doc: 'Name of the user of the login session on the host; absent when there is none.',
    of: (process, ctx) =>
      process.loginuid < 0 ? undefined : textOf(ctx, ctx.lookup.userName(process.loginuid)),
  }),
]

const onHost = (ctx: SyscallContext): boolean => ctx.process?.containerId === undefined

export const groupFields: readonly SyscallField[] = [
  processField({
    name: 'group.gid',
    type: 'uint',
    doc: 'Real group id in the initial user namespace, as of the last exec.',
    of: (process) => process.gid,
  }),
  processField({
    name: 'group.name',
    type: 'string',
    doc: 'Name of the group on the host. Absent when it has none, and for groups other than root inside containers.',
    of: (process, ctx) =>
      process.containerId === undefined || process.gid === 0
        ? textOf(ctx, ctx.lookup.groupName(process.gid))
        : undefined,
  }),
]
