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
]
const TYPES = new Map(
  PUBLIC_EVENT_TYPES.filter(({ name }) => CALLS.includes(name)).map((type) => [type.name, type]),
)

export const isCall = (event: string): boolean => TYPES.has(event)

type Fields = Record<string, FieldValue>
/** A name, and the directory it starts from when it is relative. */
type Given = (random: Random, field: string, dirField: string) => Fields

/** Fields of a random call. */
export function callFields(random: Random, event: string, ret: number, given: Given): Fields {
  const fields: Fields = {}
  for (const [name, decl] of Object.entries(TYPES.get(event)!.family.fields)) {
    if (name === 'res') fields[name] = ret
    else if (decl.format === 'path') {
      // Some paths are not there, as their memory was not.
      if (decl.hidden !== true && !random.chance(5)) Object.assign(fields, given(random, name, `${name}_dir`))
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
  const event = random.pick(CALLS)
  const paths = ARGUMENTS.get(event)!.filter(({ type }) => type === 'path')
  if (paths.length > 0 && random.chance(30)) return pathTest(random, `evt.arg.${random.pick(paths).name}`)
  const { name, slot } = random.pick(numbersOf(event))
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
