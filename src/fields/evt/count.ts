/** Fields that are 1 for some events and absent for the rest: for counting. */
import { ERRNO } from '../../../schema/enums/index.ts'
import type { SyscallContext } from '../context.ts'
import { typeChar } from '../fd/descriptor.ts'
import { field, type SyscallField } from '../syscall-field.ts'
import { rawResult } from './result.ts'

type Kind = 'file' | 'net' | 'memory' | 'other'

/** Calls that work on files by name, and on memory; those on descriptors are told by the descriptor. */
const FILE_FAMILIES: ReadonlySet<string> = new Set([
  'open',
  'truncate',
  'rename',
  'unlink',
  'link',
  'symlink',
  'chmod',
  'mkdir',
])
const MEMORY: ReadonlySet<string> = new Set(
  'brk mmap mprotect mremap munmap madvise mlock mlock2 mlockall munlock munlockall'.split(' '),
)
const NET_TYPES = '46un'

function errorKind(ctx: SyscallContext): Kind | undefined {
  const res = rawResult(ctx)
  // A connect under way is no error.
  if (res === undefined || res >= 0 || res === -ERRNO['EINPROGRESS']!) return undefined
  if (MEMORY.has(ctx.event.name)) return 'memory'
  if (FILE_FAMILIES.has(ctx.event.family)) return 'file'
  const type = typeChar(ctx)
  if (type === undefined) return 'other'
  return NET_TYPES.includes(type) ? 'net' : 'file'
}

const count = (name: string, doc: string, counts: (ctx: SyscallContext) => boolean): SyscallField =>
  field({ name, type: 'uint', cost: 'free', doc, get: (ctx) => (counts(ctx) ? 1 : undefined) })

const errors = (kind: Kind, what: string): SyscallField =>
  count(
    `evt.count.error.${kind}`,
    `1 for calls ${what} that returned an error, absent for others.`,
    (ctx) => errorKind(ctx) === kind,
  )

export const countFields: readonly SyscallField[] = [
  field({ name: 'evt.count', type: 'uint', cost: 'free', doc: 'Always 1.', get: () => 1 }),
  count('evt.count.exit', '1 for every event: calls are seen when they return.', () => true),
  count(
    'evt.count.error',
    '1 for calls that returned an error, absent for others.',
    (ctx) => errorKind(ctx) !== undefined,
  ),
  errors('file', 'on files'),
  errors('net', 'on sockets'),
  errors('memory', 'on memory'),
  errors('other', 'on neither files nor sockets nor memory'),
]
