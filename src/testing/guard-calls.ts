/** Random calls that are asked for by their arguments, and tests of those. */
import { type FieldDecl, type NameTable, PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { FieldValue } from '../decode/encode.ts'
import { ARGUMENTS, type Argument } from '../fields/evt/arguments.ts'
import type { Random } from './guard-cases.ts'

/** Of all ways: numbers that are choices, flags, plain; names and directories; one that does not return. */
export const CALLS: readonly string[] = [
  ...[
    'ptrace',
    'signal_generate',
    'bpf',
    'process_vm_readv',
    'kill',
    'prctl',
    'unshare',
    'setns',
    'mprotect',
  ],
  ...['mmap', 'fcntl', 'memfd_create', 'mount', 'umount2', 'mkdir', 'mkdirat', 'chdir', 'move_mount', 'read'],
  ...['inotify_add_watch', 'fchownat', 'exit_group'],
  // hooks: with the kernel's path, with names, with text beside a name, with none; of nobody
  ...['security_file_open', 'vfs_write', 'security_inode_unlink', 'security_inode_rename'],
  ...[
    'security_inode_symlink',
    'security_sb_mount',
    'security_socket_create',
    'cap_capable',
    'mem_prot_alert',
  ],
  ...['do_exit', 'commit_creds', 'cgroup_mkdir', 'cgroup_attach_task', 'net_flow_tcp_begin'],
]
/** Events of other kinds that have flags or another number. */
export const NUMBERED: readonly string[] = [
  ...['unlinkat', 'renameat2', 'linkat', 'fchmodat2', 'dup3', 'accept4', 'listen'],
]
const TYPES = new Map(
  PUBLIC_EVENT_TYPES.filter(({ name }) => CALLS.includes(name)).map((type) => [type.name, type]),
)
/** Numbers of an event of another kind. */
export const numberFields = (random: Random, event: string): Fields =>
  Object.fromEntries(
    NUMBERED.includes(event)
      ? numbersOf(event)
          .filter(({ name }) => name === 'flags' || name === 'backlog')
          .map(({ slot }) => [slot!.name, randomNumber(random, slot!.decl)])
      : [],
  )

export const isCall = (event: string): boolean => TYPES.has(event)

type Fields = Record<string, FieldValue>
/** A name, and the directory it starts from when it is relative. */
type Given = (random: Random, field: string, dirField: string) => Fields
/** A path of the kernel's, or any text. */
type Text = (random: Random, field: string, isKernels: boolean) => Fields

/** Fields of a random call. */
export function callFields(random: Random, event: string, ret: number, given: Given, text: Text): Fields {
  const fields: Fields = {}
  const decls = TYPES.get(event)!.family.fields
  const starts = Object.values(decls).some(({ base }) => base !== undefined)
  for (const [name, decl] of Object.entries(decls)) {
    if (name === 'res') fields[name] = ret
    else if (decl.format === 'path') {
      // Some paths are not there, as their memory was not.
      if (decl.hidden !== true && !random.chance(5))
        Object.assign(
          fields,
          decl.base === undefined ? text(random, name, !starts) : given(random, name, decl.base),
        )
    } else if (/^[us]\d/.test(decl.storage)) fields[name] = randomNumber(random, decl)
  }
  return fields
}

function randomNumber(random: Random, { names, storage }: FieldDecl): number {
  if (names !== undefined && random.chance(90))
    return names.kind === 'enum' ? random.pick(valuesOf(names)) : flags(random, names)
  const most = storage === 'u16' ? 65535 : 0xffffffff
  return random.pick([0, 1, 2, 9, 16, 100, storage.startsWith('s') ? -1 : most])
}

const valuesOf = ({ names }: NameTable): readonly number[] => Object.values(names)

function flags(random: Random, { names, group }: NameTable): number {
  const bits = Array.from({ length: random.below(4) }, () => random.pick([...Object.values(names), 1 << 27]))
  const choice = group === undefined ? 0 : random.pick(Object.values(group.names))
  return [...bits, choice].reduce((sum, bit) => (sum | bit) >>> 0, 0)
}

/** Numbers among the arguments of an event. */
const numbersOf = (event: string): readonly Argument[] =>
  ARGUMENTS.get(event)!.filter(({ slot }) => slot !== undefined)

const NAMELESS = ['x', '1', 'O_', '_']

/** Text of a random test of an argument. */
export function argumentTest(random: Random): string {
  const event = random.pick([...CALLS, ...NUMBERED])
  const paths = ARGUMENTS.get(event)!.filter(({ type }) => type === 'path')
  const numbers = numbersOf(event)
  if (numbers.length === 0 || (paths.length > 0 && random.chance(30)))
    return pathTest(random, `evt.arg.${random.pick(paths).name}`)
  const { name, slot } = random.pick(numbers)
  const decl = slot!.decl
  const known =
    decl.names === undefined ? NAMELESS : Object.keys({ ...decl.names.names, ...decl.names.group?.names })
  const text = (): string => {
    const one = random.chance(85) ? random.pick(known) : String(randomNumber(random, decl))
    return JSON.stringify(random.chance(15) ? `${one}|${random.pick(known)}` : one)
  }
  const piece = (): string => {
    const one = random.pick(known)
    const from = random.below(one.length)
    return JSON.stringify(one.slice(from, from + 1 + random.below(one.length - from)))
  }
  const number = (): string => String(randomNumber(random, decl))
  return random.pick([
    `evt.arg.${name} = ${text()}`,
    `evt.arg.${name} != ${text()}`,
    `evt.arg.${name} in (${text()}, ${text()}, ${text()})`,
    `evt.arg.${name} contains ${random.chance(50) ? text() : piece()}`,
    `evt.arg.${name} contains anyof (${text()}, ${text()})`,
    `evt.arg.${name} contains allof (${text()}, ${piece()})`,
    `evt.arg.${name} startswith ${piece()}`,
    `evt.arg.${name} endswith ${piece()}`,
    `evt.arg.${name} glob ${JSON.stringify(`*${random.pick(known)}`)}`,
    `evt.rawarg.${name} = ${number()}`,
    `evt.rawarg.${name} != ${number()}`,
    `evt.rawarg.${name} in (${number()}, ${number()})`,
  ])
}

const pathTest = (random: Random, field: string): string =>
  random.pick([
    `${field} = /etc/shadow`,
    `${field} startswith /etc`,
    `${field} startswith /${random.pick(['usr', 'tmp/'])}`,
    `${field} endswith ${random.pick(['shadow', '.conf', '/passwd'])}`,
    `${field} contains ${random.pick(['/etc/', 'pam.d', '/a/'])}`,
    `${field} = ${random.pick(['a', 'etc'])}`,
  ])
