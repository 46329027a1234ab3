/** What an open was for. */
import { FMODE_CREATED, OPEN_FLAGS } from '../../../schema/enums/index.ts'
import type { SyscallContext } from '../context.ts'
import { field, type SyscallField } from '../syscall-field.ts'

const { O_CREAT = 0, O_TMPFILE = 0 } = OPEN_FLAGS.names
const ACCESS = OPEN_FLAGS.group!
const { O_RDONLY, O_WRONLY, O_RDWR } = ACCESS.names
const ANY_EXECUTE = 0o111

const isOpen = (ctx: SyscallContext): boolean => ctx.event.family === 'open'
const isCreat = (ctx: SyscallContext): boolean => ctx.event.name === 'creat'
const has = (ctx: SyscallContext, bits: number): boolean => (ctx.event.number('flags')! & bits) === bits

/** creat(2) takes no flags: it opens for writing. */
const access = (ctx: SyscallContext): number =>
  isCreat(ctx) ? O_WRONLY! : ctx.event.number('flags')! & ACCESS.mask

/** Is it an open with this access, or for reading and writing? */
function opensFor(ctx: SyscallContext, wanted: number): boolean {
  if (!isOpen(ctx)) return false
  const own = access(ctx)
  return own === wanted || own === O_RDWR
}
const mayRead = (ctx: SyscallContext): boolean => opensFor(ctx, O_RDONLY!)
const mayWrite = (ctx: SyscallContext): boolean => opensFor(ctx, O_WRONLY!)
const created = (ctx: SyscallContext): boolean =>
  isOpen(ctx) &&
  ctx.event.number('fd')! >= 0 &&
  ((ctx.event.number('f_mode')! & FMODE_CREATED) !== 0 || has(ctx, O_TMPFILE))
const makesExecutable = (ctx: SyscallContext): boolean =>
  isOpen(ctx) &&
  (isCreat(ctx) || has(ctx, O_CREAT) || has(ctx, O_TMPFILE)) &&
  (ctx.event.number('mode')! & ANY_EXECUTE) !== 0

const flag = (name: string, doc: string, get: (ctx: SyscallContext) => boolean): SyscallField =>
  field({ name, type: 'bool', cost: 'free', doc, get })

export const openFields: readonly SyscallField[] = [
  flag('evt.is_open_read', 'An open, tried or done, for reading (also for reading and writing).', mayRead),
  flag('evt.is_open_write', 'An open, tried or done, for writing (also for reading and writing).', mayWrite),
  flag('evt.is_open_create', 'An open that created the file.', created),
  flag(
    'evt.is_open_exec',
    'An open that creates a file with permission to execute, as far as umask allows.',
    makesExecutable,
  ),
]
