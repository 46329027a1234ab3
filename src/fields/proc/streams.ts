/** What the standard descriptors of a process are open on: a shell whose input is a socket gives itself away. */

import { AF_INET, AF_INET6, AF_UNIX, FAMILIES } from '../../../schema/enums/index.ts'
import type { ProcessInfo, StandardStream, SyscallContext } from '../context.ts'
import { kindOfFile } from '../fd/descriptor.ts'
import { FD_TYPES, type FdTypeChar } from '../fd/types.ts'
import { processField, type SyscallField } from '../syscall-field.ts'

const NAMES = ['stdin', 'stdout', 'stderr'] as const

function kindOf(stream: StandardStream): FdTypeChar {
  switch (stream.family) {
    case 0:
      return kindOfFile(stream.path.text, stream.mode)
    case AF_INET:
      return '4'
    case AF_INET6:
      return stream.remote?.ip.version === 4 || stream.local?.ip.version === 4 ? '4' : '6'
    case AF_UNIX:
      return 'u'
    case FAMILIES.names['AF_NETLINK']:
      return 'n'
    default:
      return 'o'
  }
}

const end = (of: StandardStream['local']): string => (of === undefined ? '' : `${of.ip.text}:${of.port}`)

function nameOf(process: ProcessInfo, index: number, ctx: SyscallContext) {
  const stream = process.image?.streams[index]
  if (stream === undefined) return undefined
  if (stream.local === undefined && stream.remote === undefined) return stream.path
  return ctx.lookup.intern(`${end(stream.local)}->${end(stream.remote)}`)
}

export const streamFields: readonly SyscallField[] = NAMES.flatMap((name, index) => [
  processField({
    name: `proc.${name}.type`,
    type: 'string',
    doc: `Kind of what ${name} was open on after the last exec, as fd.type has it; absent when it was closed.`,
    values: Object.values(FD_TYPES),
    of: (process, ctx) => {
      const stream = process.image?.streams[index]
      return stream && ctx.lookup.intern(FD_TYPES[kindOf(stream)])
    },
  }),
  processField({
    name: `proc.${name}.name`,
    type: 'path',
    doc: `What ${name} was open on after the last exec: a path of at most 256 bytes, the kernel's name of what has none, \`local:port->remote:port\` for a connection.`,
    examples: ['/dev/pts/0', 'pipe:[4711]', '10.0.0.2:40312->198.51.100.7:4444'],
    of: (process, ctx) => nameOf(process, index, ctx),
  }),
])
