/** Paths of events that work on names: the one they are about, or the two they join. */
import type { Str } from '../../decode/str.ts'
import type { SyscallContext } from '../context.ts'
import type { Origin } from '../field.ts'
import {
  cleanPath,
  joinPath,
  type PathFields,
  pathOf,
  pathOfFields,
  plainPath,
  spellingsOf,
} from '../paths.ts'
import { eventsOf, field, once, only, type SyscallField } from '../syscall-field.ts'

interface Roles {
  readonly name?: PathFields
  readonly source?: PathFields
  readonly target?: PathFields
}
type Role = keyof Roles

const NAMED = pathOfFields('name', 'dir', undefined)
const OLD = pathOfFields('oldpath', 'olddir', undefined)
const NEW = pathOfFields('newpath', 'newdir', undefined)
const LINK = pathOfFields('linkpath', 'dir', undefined)
/** Text of a symbolic link: relative to where the link is, which `targetOf` knows. */
const LINK_TARGET = pathOfFields('target', undefined, undefined)

/**
 * Which path of a family plays which role. As in Falco, the source of a link is the new name and its target the old
 * one, because the link points from the one to the other.
 */
const ROLES: Readonly<Record<string, Roles>> = {
  open: { name: pathOfFields('name', 'dir', 'path') },
  truncate: { name: NAMED },
  unlink: { name: NAMED },
  chmod: { name: pathOfFields('filename', 'dir', 'path') },
  rename: { source: OLD, target: NEW },
  link: { source: NEW, target: OLD },
  symlink: { source: LINK, target: LINK_TARGET },
}

const MADE = pathOfFields('pathname', 'pathname_dir', undefined)
const MOUNT_POINT = pathOfFields('target', 'target_dir', undefined)
/** The same of syscalls that are the only one of their family. */
const ROLES_OF_CALLS: Readonly<Record<string, Roles>> = {
  mkdir: { name: MADE },
  mkdirat: { name: MADE },
  chown: { name: MADE },
  lchown: { name: MADE },
  fchownat: { name: MADE },
  umount: { name: MOUNT_POINT },
  umount2: { name: MOUNT_POINT },
  quotactl: { name: pathOfFields('special', 'special_dir', undefined) },
  // What is mounted is often no path: as it was given.
  mount: { source: pathOfFields('source', undefined, undefined), target: MOUNT_POINT },
}

/** Fields about paths that such a syscall has. */
export const pathFieldsOfCall = (name: string): readonly string[] =>
  Object.keys(ROLES_OF_CALLS[name] ?? {}).flatMap((role) => [`fs.path.${role}`, `fs.path.${role}raw`])

/** The path in a role; undefined for other events and, as nothing was touched then, after a failure except of open. */
function pathIn(ctx: SyscallContext, role: Role): PathFields | undefined {
  const fields = (ROLES[ctx.event.family] ?? ROLES_OF_CALLS[ctx.event.name])?.[role]
  if (fields === undefined) return undefined
  return ctx.event.family === 'open' || ctx.event.number('res') === 0 ? fields : undefined
}

/** A relative link target starts from the directory of the link. */
function targetOf(ctx: SyscallContext): Str | undefined {
  return once(ctx, 'fs.path.target', () => {
    const target = ctx.event.string('target')
    if (target === undefined) return undefined
    if (target.text.startsWith('/')) return ctx.lookup.intern(cleanPath(target.text))
    const link = pathOf(ctx, LINK).accessed
    return link && ctx.lookup.intern(joinPath(link.directory.text, target.text))
  })
}

function accessedIn(ctx: SyscallContext, role: Role): Str | undefined {
  const fields = pathIn(ctx, role)
  if (fields === LINK_TARGET) return targetOf(ctx)
  return fields && pathOf(ctx, fields).accessed
}

function spellingsIn(ctx: SyscallContext, role: Role): readonly Str[] {
  const fields = pathIn(ctx, role)
  if (fields === undefined) return []
  if (fields !== LINK_TARGET) return spellingsOf(ctx, pathOf(ctx, fields))
  const target = targetOf(ctx)
  return target === undefined ? [] : [target]
}

function rawIn(ctx: SyscallContext, role: Role): Str | undefined {
  const fields = pathIn(ctx, role)
  if (fields === undefined) return undefined
  const given = fields.name === undefined ? undefined : ctx.event.string(fields.name)
  return given ?? (fields.path === undefined ? undefined : ctx.event.string(fields.path))
}

/** A text of a link follows from where the link is as well. */
const originIn = (role: Role): Origin<SyscallContext> => ({
  of(ctx) {
    const fields = pathIn(ctx, role)
    return fields === undefined || fields === LINK_TARGET ? undefined : pathOf(ctx, fields)
  },
  cases: 1,
  caseOf: () => 0,
  text(ctx, at) {
    const fields = pathIn(ctx, role)
    return fields !== undefined && fields !== LINK_TARGET && plainPath(ctx.event, fields, at)
  },
})

const DOCS: Readonly<Record<Role, string>> = {
  name: 'Path that an event on one file works on: open, unlink, rmdir, mkdir, chmod, chown, truncate, umount',
  source: 'First path of an event on two: the old name of a rename, the new name of a link',
  target:
    'Second path of an event on two: the new name of a rename, what a link points to, where something is mounted',
}

const roleFields = (role: Role, origin = originIn(role)): readonly SyscallField[] => [
  field({
    name: `fs.path.${role}`,
    type: 'path',
    cost: 'derived',
    doc: `${DOCS[role]}; absolute and cleaned. Absent when a call other than open failed.`,
    get: (ctx) => accessedIn(ctx, role),
    candidates: (ctx) => spellingsIn(ctx, role),
    origin,
    part: 'whole',
  }),
  field({
    name: `fs.path.${role}raw`,
    type: 'path',
    cost: 'free',
    doc: `${DOCS[role]}; as the caller gave it. Absent when a call other than open failed.`,
    get: (ctx) => rawIn(ctx, role),
    origin,
  }),
]

export const pathFields: readonly SyscallField[] = only(
  [...eventsOf(...Object.keys(ROLES)), ...Object.keys(ROLES_OF_CALLS)],
  [...roleFields('name'), ...roleFields('source'), ...roleFields('target')],
)
