/**
 * The two spellings of a path: as accessed (absolute, cleaned as text, what Falco shows) and as the kernel resolved it.
 */
import { PATH_FLAGS } from '../../schema/enums/index.ts'
import type { Str } from '../decode/str.ts'
import type { SyscallContext } from './context.ts'
import { once } from './syscall-field.ts'

const IN_DIR = PATH_FLAGS.names['PATH_IN_DIR']!

/** Something in the path that cleaning would change: `//`, `/./`, `/../`, or a trailing slash or dot. */
const UNCLEAN = /\/(?:\.{0,2}\/|\.{0,2}$)/

/** An absolute path without empty, `.` and `..` components; `..` above the root stays at the root. */
export function cleanPath(path: string): string {
  if (!UNCLEAN.test(path)) return path
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') kept.pop()
    else kept.push(part)
  }
  return `/${kept.join('/')}`
}

/** `name` seen from directory `dir`, as text: links are not followed. */
export const joinPath = (dir: string, name: string): string =>
  cleanPath(name.startsWith('/') ? name : name === '' ? dir : `${dir}/${name}`)

/** A path of an event: the fields of the record that describe it. */
export interface PathFields {
  /** As the caller gave it; undefined when the event knows the file by descriptor only. */
  readonly name: string | undefined
  /** Directory that a relative name starts from. */
  readonly dir: string | undefined
  /** As the kernel resolved it. */
  readonly path: string | undefined
}

/** The spellings of one path in one event. */
export interface PathValue {
  /**
   * The given name joined to the directory it starts from, which the record carries unless it is the directory of the
   * kernel path (PATH_IN_DIR). Without either it falls back to the kernel path.
   */
  readonly accessed: Str | undefined
  /** The kernel's; undefined when the event has none, as after a failure. */
  readonly resolved: Str | undefined
  /** What comparisons look at: the accessed one first; one when they are equal, none when the event has no path. */
  readonly all: readonly Str[]
}

/** The path that `fields` describe, put together once for each event. */
export const pathOf = (ctx: SyscallContext, fields: PathFields): PathValue =>
  once(ctx, fields.name ?? 'path', () => makePath(ctx, fields))

function makePath(ctx: SyscallContext, fields: PathFields): PathValue {
  const resolved = fields.path === undefined ? undefined : ctx.event.string(fields.path)
  const accessed = makeAccessed(ctx, fields, resolved)
  if (accessed === undefined) return { accessed, resolved, all: resolved === undefined ? [] : [resolved] }
  const one = resolved === undefined || resolved === accessed || resolved.text === accessed.text
  return { accessed, resolved, all: one ? [accessed] : [accessed, resolved] }
}

function makeAccessed(ctx: SyscallContext, fields: PathFields, resolved: Str | undefined): Str | undefined {
  const { event } = ctx
  if (fields.name === undefined) return resolved
  const name = event.string(fields.name)
  if (name === undefined) return resolved
  if (name.text.startsWith('/')) {
    const clean = cleanPath(name.text)
    return clean === name.text ? name : ctx.lookup.intern(clean)
  }
  const inDir = ((event.number('path_flags') ?? 0) & IN_DIR) !== 0
  const dir = inDir ? resolved?.directory : fields.dir === undefined ? undefined : event.string(fields.dir)
  if (dir === undefined) return resolved
  return ctx.lookup.intern(joinPath(dir.text, name.text))
}
