/** Descriptors in general, and files behind them. */
import { baseOf, directoryOf, Str } from '../../decode/str.ts'
import type { SyscallContext } from '../context.ts'
import { major, minor, userDevice } from '../device.ts'
import { nameDiffers } from '../differs.ts'
import type { Origin } from '../field.ts'
import { eventsOf, field, only, type SyscallField } from '../syscall-field.ts'

import {
  fdName,
  fdNames,
  fdNumber,
  fdPath,
  fdPlainPath,
  fdRawName,
  fdRealPath,
  fdRecall,
  isFile,
  SOCKET_EVENTS,
  typeChar,
} from './descriptor.ts'
import { MADE_EVENTS } from './made.ts'
import { FD_LETTERS, FD_TYPES, letterOf } from './types.ts'

const fileName = (ctx: SyscallContext): Str | undefined => (isFile(ctx) ? fdName(ctx) : undefined)

/** A part of each spelling, without repeating equal ones. */
function partsOf(ctx: SyscallContext, part: (path: string) => string): readonly Str[] {
  if (!isFile(ctx)) return NONE
  const [first, second] = fdNames(ctx)
  if (first === undefined) return NONE
  const a = part(first.text)
  const b = second && part(second.text)
  return b === undefined || b === a ? [new Str(a)] : [new Str(a), new Str(b)]
}

const NONE: readonly Str[] = []

/** All that is asked of a name follows from the path, and from whether it is one of a file. */
const origin: Origin<SyscallContext> = {
  of: fdPath,
  cases: 2,
  caseOf: (ctx) => (isFile(ctx) ? 1 : 0),
  text: fdPlainPath,
  recall: fdRecall,
}

const fileNumber = (ctx: SyscallContext, name: string): number | undefined => {
  const number = fdNumber(ctx)
  return number === undefined || number < 0 ? undefined : ctx.event.number(name)
}

/** A name with the container it belongs to in front, `host` outside of containers. */
const inContainer = (ctx: SyscallContext, name: Str | undefined): Str | undefined =>
  name && ctx.lookup.intern(`${ctx.process?.containerId ?? 'host'}:${name.text}`)

const device = (ctx: SyscallContext, part: (dev: number) => number): number | undefined => {
  const dev = fileNumber(ctx, 'dev')
  return dev === undefined ? undefined : part(dev)
}

const FILE_EVENTS: readonly string[] = [...eventsOf('open', 'write', ...SOCKET_EVENTS), 'fchmod']
/** What is known of any descriptor, of one that is only made, too. */
const OF_ANY: ReadonlySet<string> = new Set([
  'fd.num',
  'fd.name',
  'fd.nameraw',
  'fd.type',
  'fd.typechar',
  'fd.uid',
])

export const fileFields: readonly SyscallField[] = only(FILE_EVENTS, [
  field({
    name: 'fd.num',
    type: 'int',
    cost: 'free',
    doc: 'Number of the descriptor; -1 when the call that should have made one failed. Absent for events that are about no descriptor.',
    get: fdNumber,
  }),
  field({
    name: 'fd.name',
    type: 'path',
    cost: 'derived',
    doc: "What the descriptor stands for: the path as accessed (absolute, cleaned), `client:port->server:port` for a connection, the name of a unix socket, the kernel's name for what has none. Comparisons also look at the path as the kernel resolved it. Empty for a socket call that failed.",
    examples: ['/etc/shadow', '10.0.0.2:40312->93.184.216.34:443', 'pipe:[4711]'],
    get: fdName,
    candidates: fdNames,
    origin,
    part: 'whole',
  }),
  field({
    name: 'fd.nameraw',
    type: 'path',
    cost: 'free',
    doc: 'The path as the caller gave it, neither joined to a directory nor cleaned.',
    examples: ['../etc/shadow'],
    get: fdRawName,
    origin,
  }),
  field({
    name: 'fd.realpath',
    type: 'path',
    cost: 'free',
    doc: 'The path as the kernel resolved it, symbolic links followed. Absent when the call failed.',
    get: fdRealPath,
    origin,
    part: 'whole',
  }),
  field({
    name: 'fd.name_differs',
    type: 'bool',
    cost: 'free',
    doc: 'The file that was opened has another name, or the socket that was connected or bound another address, than the caller gave: that was a symbolic link, a redirection by the kernel, or somebody changed it while the call ran. With syscalls.compare_names also: a name is not the one that the call began with. Absent when there is nothing to compare.',
    get: (ctx) => nameDiffers(ctx.event),
  }),
  field({
    name: 'fd.directory',
    type: 'path',
    cost: 'derived',
    doc: 'Directory of the file: fd.name without its last component. Comparisons look at both spellings. Only for files and directories.',
    get: (ctx) => fileName(ctx)?.directory,
    candidates: (ctx) => partsOf(ctx, directoryOf),
    origin,
    part: 'directory',
  }),
  field({
    name: 'fd.filename',
    type: 'path',
    cost: 'derived',
    doc: 'Last component of fd.name. Comparisons look at both spellings. Only for files and directories.',
    get: (ctx) => fileName(ctx)?.base,
    candidates: (ctx) => partsOf(ctx, baseOf),
    origin,
    part: 'base',
  }),
  field({
    name: 'fd.type',
    type: 'string',
    cost: 'free',
    doc: 'Kind of the descriptor.',
    values: Object.values(FD_TYPES),
    get: (ctx) => {
      const type = typeChar(ctx)
      return type && ctx.lookup.intern(FD_TYPES[type])
    },
  }),
  field({
    name: 'fd.typechar',
    type: 'string',
    cost: 'free',
    doc: 'Kind of the descriptor as one letter; a failed open is `f`, and `u` is a unix socket or a userfaultfd.',
    values: FD_LETTERS,
    get: (ctx) => {
      const type = typeChar(ctx)
      return type && ctx.lookup.intern(letterOf(type))
    },
  }),
  field({
    name: 'fd.ino',
    type: 'int',
    cost: 'free',
    doc: 'Inode number of what the descriptor stands for.',
    get: (ctx) => fileNumber(ctx, 'ino'),
  }),
  field({
    name: 'fd.dev',
    type: 'int',
    cost: 'free',
    doc: 'Device of the file, as stat(2) has it: `major << 8 | minor` for minors up to 255.',
    get: (ctx) => device(ctx, userDevice),
  }),
  field({
    name: 'fd.dev.major',
    type: 'int',
    cost: 'free',
    doc: 'Major number of the device of the file.',
    get: (ctx) => device(ctx, major),
  }),
  field({
    name: 'fd.dev.minor',
    type: 'int',
    cost: 'free',
    doc: 'Minor number of the device of the file.',
    get: (ctx) => device(ctx, minor),
  }),
  field({
    name: 'fd.uid',
    type: 'string',
    cost: 'derived',
    doc: 'Thread id and number of the descriptor in one word: tells descriptors of one moment apart.',
    get: (ctx) => {
      const number = fdNumber(ctx)
      return number === undefined ? undefined : ctx.lookup.intern(`${ctx.event.tid}${number}`)
    },
  }),
  field({
    name: 'fd.containername',
    type: 'string',
    cost: 'derived',
    doc: 'Container id and fd.name, separated by a colon.',
    examples: ['3ad7b26ded6d:/etc/passwd'],
    get: (ctx) => inContainer(ctx, fdName(ctx)),
  }),
  field({
    name: 'fd.containerdirectory',
    type: 'string',
    cost: 'derived',
    doc: 'Container id and fd.directory, separated by a colon.',
    get: (ctx) => inContainer(ctx, fileName(ctx)?.directory),
  }),
]).map((field) => (OF_ANY.has(field.name) ? { ...field, events: [...FILE_EVENTS, ...MADE_EVENTS] } : field))
