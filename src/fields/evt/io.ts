/** Events that move data of a descriptor: which way, how much. */
import type { SyscallContext } from '../context.ts'
import { fdName, typeChar } from '../fd/descriptor.ts'
import { field, type SyscallField } from '../syscall-field.ts'
import { rawResult } from './result.ts'

type Direction = 'read' | 'write'

const directions = (direction: Direction, names: string): readonly (readonly [string, Direction])[] =>
  names.split(' ').map((name) => [name, direction])

/** Calls that move bytes between memory or a file and a descriptor. */
const DIRECTIONS: ReadonlyMap<string, Direction> = new Map([
  ...directions('read', 'read readv pread64 preadv preadv2 recvfrom recvmsg recvmmsg recv'),
  ...directions(
    'write',
    'write writev pwrite64 pwritev pwritev2 copy_file_range sendfile splice sendto sendmsg sendmmsg send',
  ),
])

/** Calls that may put the thread to sleep until something happens. */
const WAITS: ReadonlySet<string> = new Set(
  `clock_nanosleep epoll_pwait epoll_pwait2 epoll_wait futex futex_wait futex_waitv io_getevents io_pgetevents
  nanosleep pause poll ppoll pselect6 rt_sigsuspend rt_sigtimedwait select semtimedop wait4 waitid`.split(
    /\s+/,
  ),
)

/** Which way an event moves data; undefined when it moves none. */
export const directionOf = (event: string): Direction | undefined => DIRECTIONS.get(event)

const direction = (ctx: SyscallContext): Direction | undefined => directionOf(ctx.event.name)

const flag = (name: string, doc: string, get: (ctx: SyscallContext) => boolean): SyscallField =>
  field({ name, type: 'bool', cost: 'free', doc, get })

type Kind = 'file' | 'net'
const SOCKETS = '46un'

function isOf(ctx: SyscallContext, kind: Kind): boolean {
  const type = typeChar(ctx)
  if (type === undefined) return false
  return kind === 'file' ? type === 'f' : SOCKETS.includes(type)
}

/** Bytes moved; undefined when the call moves none or failed. */
function moved(ctx: SyscallContext, only?: Direction, kind?: Kind): number | undefined {
  const way = direction(ctx)
  if (way === undefined || (only !== undefined && way !== only)) return undefined
  if (kind !== undefined && !isOf(ctx, kind)) return undefined
  const res = rawResult(ctx)
  return res === undefined || res < 0 ? undefined : res
}

const KIND_WORDS: Readonly<Record<Kind, string>> = { file: 'a file', net: 'a socket' }
const WAY_WORDS: Readonly<Record<Direction, string>> = { read: 'in', write: 'out' }

const lengthField = (only?: Direction, kind?: Kind): SyscallField => {
  const name = ['evt.buflen', kind, only && WAY_WORDS[only]].filter((part) => part !== undefined).join('.')
  const what = only === undefined ? 'moved' : only === 'read' ? 'read' : 'written'
  return field({
    name,
    type: 'uint',
    cost: 'free',
    doc: `Bytes ${what} by the event${kind === undefined ? '' : `, of ${KIND_WORDS[kind]}`}; absent when it moves none so, or failed.`,
    get: (ctx) => moved(ctx, only, kind),
  })
}

export const ioFields: readonly SyscallField[] = [
  flag('evt.is_io', 'The event moves data of a descriptor.', (ctx) => direction(ctx) !== undefined),
  flag('evt.is_io_read', 'The event reads data from a descriptor.', (ctx) => direction(ctx) === 'read'),
  flag('evt.is_io_write', 'The event writes data to a descriptor.', (ctx) => direction(ctx) === 'write'),
  field({
    name: 'evt.io_dir',
    type: 'string',
    cost: 'free',
    doc: 'Way the data goes: `r` for reads, `w` for writes; absent for events that move none.',
    values: ['r', 'w'],
    get: (ctx) => {
      const way = direction(ctx)
      return way && ctx.lookup.intern(way === 'read' ? 'r' : 'w')
    },
  }),
  flag(
    'evt.is_wait',
    'The event is a call that may wait: poll, select, nanosleep, futex and the like.',
    (ctx) => WAITS.has(ctx.event.name),
  ),
  flag(
    'evt.is_syslog',
    'The event writes to /dev/log.',
    (ctx) => direction(ctx) === 'write' && (fdName(ctx)?.text.includes('/dev/log') ?? false),
  ),
  lengthField(),
  lengthField('read'),
  lengthField('write'),
  lengthField(undefined, 'file'),
  lengthField('read', 'file'),
  lengthField('write', 'file'),
  lengthField(undefined, 'net'),
  lengthField('read', 'net'),
  lengthField('write', 'net'),
]
