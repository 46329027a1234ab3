/** The table of the generic syscall program: for each number the wire id and what to copy. */

import { FAMILIES } from '../schema/index.ts'
import { CALL_PLACES, CALLS } from '../schema/multiplexed.ts'
import { isCritical, namesOf, SYSCALLS, type Syscall } from '../schema/plain.ts'
import { COPY, type Copy, PATH_MAX, SOCKADDR_MAX, TEXT_MAX } from '../schema/syscall-types.ts'

/** Bytes of a path: of two, with two directories, a record has room for less. */
const PATH_COPY_MAX = PATH_MAX

interface Row {
  readonly number: number
  readonly call: Syscall
  readonly copies: readonly Copy[]
}

/** Structures with times and pairs of longs are different ones for 32-bit programs. */
const NATIVE_ONLY: ReadonlySet<Copy> = new Set(['timespec', 'timespec_out'])

type Architecture = 'x64' | 'i386' | 'arm64'

function rows(architecture: Architecture, ids: ReadonlyMap<string, number>): readonly Row[] {
  return SYSCALLS.flatMap((call) => {
    if (!ids.has(call.name)) return []
    const numbers = architecture === 'i386' ? [...call.i386, ...call.multiplexed] : [call[architecture] ?? -1]
    const copies = call.arguments.map(({ type: { copy } }) =>
      architecture === 'i386' && NATIVE_ONLY.has(copy) ? 'none' : copy,
    )
    return numbers.filter((number) => number >= 0).map((number) => ({ number, call, copies }))
  }).sort((a, b) => a.number - b.number)
}

/** Where an argument that is not there is found: behind the six come a null pointer and the current directory. */
const NO_NAME = 6
const CURRENT = 7

/** Places of the first two paths, and of the directories that they start from. */
function places(copies: readonly Copy[]): string {
  const paths = copies.flatMap((copy, i) => (copy === 'path' || copy === 'new_cwd' ? [i] : [])).slice(0, 2)
  const names = [0, 1].map((i) => paths[i] ?? NO_NAME)
  // A directory is for the path behind it.
  const starts = [0, 1].map((i) => {
    const [from, to] = [(paths[i - 1] ?? -1) + 1, paths[i] ?? 0]
    const at = copies.slice(0, to).lastIndexOf('dirfd')
    return at >= from ? at : CURRENT
  })
  return `{ ${names.join(', ')} }, { ${starts.join(', ')} }`
}

const bits = (places: readonly number[]): number => places.reduce((sum, place) => sum | (1 << place), 0)

/** Arguments that take two registers, and signed numbers of 64 bits of which a register has 32. */
function halves(architecture: Architecture, { number, call }: Row): readonly number[] {
  if (architecture !== 'i386') return []
  const wide = call.wide.get(number) ?? []
  const signed = call.arguments.flatMap(({ type }, i) =>
    type.storage === 's64' && !wide.includes(i) ? [i] : [],
  )
  return [bits(wide), bits(signed)]
}

function table(
  name: string,
  architecture: Architecture,
  ids: ReadonlyMap<string, number>,
): readonly string[] {
  const lines = rows(architecture, ids).map((row) => {
    const { number, call, copies } = row
    const any = copies.some((copy) => copy !== 'none') ? 1 : 0
    const kinds = copies.map((copy) => COPY[copy]).join(', ')
    const last = [places(copies), ...halves(architecture, row)].join(', ')
    return `\t[${number}] = { ${ids.get(call.name)}, ${any}, ${isCritical(call) ? 1 : 0}, { ${kinds || 0} }, ${last} }, /* ${call.name} */`
  })
  return [`static const struct call_desc ${name}[CALL_PLACES] = {`, ...lines, '};', '']
}

function namesTable(architecture: 'x64' | 'arm64'): readonly string[] {
  const lines = SYSCALLS.flatMap((call) => {
    const [first = -1, second = -1] = namesOf(call)
    const number = call[architecture]
    return first < 0 || number === undefined
      ? []
      : [`\t[${number}] = { ${first + 1}, ${second + 1} }, /* ${call.name} */`]
  })
  return ['static const struct named_call native_names[CALLS] = {', ...lines, '};', '']
}

/** Text of tarsier_syscalls.gen.h for one architecture. */
export function generateSyscallHeader(architecture: 'x64' | 'arm64'): string {
  const plain = FAMILIES.filter(({ record }) => record !== undefined)
  const ids = new Map(plain.flatMap(({ events }) => events.map(({ name, id }) => [name, id] as const)))
  return [
    '/* Generated from schema/syscalls.ts by tools/build-bpf.ts. */',
    '#ifndef TARSIER_SYSCALLS_GEN_H',
    '#define TARSIER_SYSCALLS_GEN_H',
    '#include <linux/types.h>',
    '',
    '/* Numbers of calls, and with them the places of those that 32-bit programs make through another. */',
    `#define CALLS ${CALLS}`,
    `#define CALL_PLACES ${CALL_PLACES}`,
    `#define PATH_COPY_MAX ${PATH_COPY_MAX}`,
    `#define TEXT_COPY_MAX ${TEXT_MAX}`,
    `#define SOCKADDR_MAX ${SOCKADDR_MAX}`,
    ...Object.entries(COPY).map(([name, value]) => `#define COPY_${name.toUpperCase()} ${value}`),
    '',
    '/*',
    ' * copies: is there anything to copy at all? critical: is it for the critical ring? Of names and the directories they start from: places among the arguments. Of',
    ' * 32-bit calls bits of arguments: those that take two registers, and signed ones of 64 bits that come in one.',
    ' */',
    'struct call_desc {\n\t__u16 id;\n\t__u8 copies;\n\t__u8 critical;\n\t__u8 copy[6];\n\t__u8 name[2];\n\t__u8 start[2];\n\t__u8 wide, sign;\n};',
    `#define NO_NAME ${NO_NAME}`,
    `#define CURRENT ${CURRENT}`,
    '',
    ...table('native_calls', architecture, ids),
    ...(architecture === 'x64' ? table('compat_calls', 'i386', ids) : []),
    '/* Which arguments, counted from 1, are names that are compared when the call ends; 0: none. */',
    'struct named_call {\n\t__u8 first, second;\n};',
    ...namesTable(architecture),
    '#endif',
    '',
  ].join('\n')
}
