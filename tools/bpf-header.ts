/** The C side of the schema: structs with their sizes and offsets asserted, ids, counters. */
import { ERRNO, EXE_FLAGS, FLOW_DIRECTIONS, PATH_FLAGS, SOCKET_FACTS } from '../schema/enums/index.ts'
import {
  ARGS_BYTES,
  COUNTER_WORDS,
  EVENT_TYPES,
  EXEC_NAMES_MAX,
  FAMILIES,
  type FamilyDecl,
  HEADER,
  HEADER_SIZE,
  HEADER_SLOTS,
  layoutOf,
  PROGRAM_COUNTERS,
  programsOf,
  RECORD_FLAGS,
  RECORD_MAX,
  RINGS,
  type Storage,
} from '../schema/index.ts'
import { SYSCALLS } from '../schema/plain.ts'
import { guardDefines } from './guard-header.ts'

const C_TYPES: Record<Storage, string> = {
  u16: '__u16',
  u32: '__u32',
  s32: '__s32',
  u64: '__u64',
  s64: '__s64',
  ip: '__u8',
  str: 'struct vl',
  strv: 'struct vl8',
  bytes: 'struct vl',
}
/** Errors that programs compare with. */
const ERRORS = ['EPERM', 'EBADF', 'EACCES', 'EFAULT', 'EBUSY', 'EEXIST', 'EINVAL', 'EINPROGRESS'] as const

/** execve and execveat of 32-bit ARM, which the table of syscalls does not have. */
const EXEC_ON_ARM = [11, 387] as const

/** Whether a number is that of an exec, in a native or a 32-bit program. */
function execCalls(): readonly string[] {
  const calls = SYSCALLS.filter(({ name }) => name === 'execve' || name === 'execveat')
  const define = (numbers: readonly (number | undefined)[]): string =>
    `#define IS_EXEC_CALL(nr) (${numbers.map((number) => `(nr) == ${number}`).join(' || ')})`
  return [
    '#ifdef __TARGET_ARCH_x86',
    define(calls.flatMap(({ x64, i386 }) => [x64, ...i386])),
    '#else',
    define([...calls.map(({ arm64 }) => arm64), ...EXEC_ON_ARM]),
    '#endif',
  ]
}

const assertOffset = (struct: string, field: string, offset: number): string =>
  `_Static_assert(__builtin_offsetof(struct ${struct}, ${field}) == ${offset}, "${struct}.${field}");`
const assertSize = (struct: string, size: number): string =>
  `_Static_assert(sizeof(struct ${struct}) == ${size}, "size of ${struct}");`

function headerStruct(): string[] {
  const fields = HEADER.map(
    (f) => `\t__${f.storage} ${f.name}${f.count ? `[${f.count}]` : ''}; /* ${f.doc} */`,
  )
  const offsets = [...HEADER_SLOTS.values()].map((slot) => assertOffset('ev_hdr', slot.name, slot.offset))
  return ['struct ev_hdr {', ...fields, '};', assertSize('ev_hdr', HEADER_SIZE), ...offsets]
}

function familyStruct(family: FamilyDecl): string[] {
  const layout = layoutOf(family)
  const struct = `ev_${family.name}`
  const fields = layout.slots.map(({ name, decl }) =>
    decl.storage === 'ip'
      ? `\t${C_TYPES[decl.storage]} ${name}[16] __attribute__((aligned(8)));`
      : `\t${C_TYPES[decl.storage]} ${name};`,
  )
  return [
    `/* ${family.doc} */`,
    `struct ${struct} {`,
    '\tstruct ev_hdr hdr;',
    ...fields,
    '} __attribute__((aligned(8)));',
    assertSize(struct, layout.size),
    ...layout.slots.map((slot) => assertOffset(struct, slot.name, slot.offset)),
    '',
  ]
}

/** Text of tarsier_abi.gen.h. */
export function generateHeader(): string {
  const programs = programsOf(FAMILIES)
  const counters = PROGRAM_COUNTERS.map((name) => `\t__u64 ${name};`)
  const spare = COUNTER_WORDS - PROGRAM_COUNTERS.length
  return [
    '/* Generated from schema/ by tools/build-bpf.ts. */',
    '#ifndef TARSIER_ABI_GEN_H',
    '#define TARSIER_ABI_GEN_H',
    '#include <linux/types.h>',
    '',
    '/* A value in the variable part: offset from the record, bytes kept, bytes it had. off 0: absent. */',
    'struct vl {\n\t__u16 off;\n\t__u16 len;\n\t__u32 total;\n};',
    '/* The same for what may be long: off and len count words of 8 bytes. The value has min(8 * len, total) bytes. */',
    'struct vl8 {\n\t__u16 off;\n\t__u16 len;\n\t__u32 total;\n};',
    '',
    ...headerStruct(),
    '',
    ...EVENT_TYPES.filter(
      // A plain syscall has its id from the table, unless a program of its own makes it, too.
      ({ family, programs }) =>
        family.record === undefined ||
        programs.some(({ object = family.object }) => object !== family.object),
    ).map((type) => `#define EVENT_${type.name} ${type.id}`),
    ...RINGS.map((ring, i) => `#define RING_${ring.toUpperCase()} ${i}`),
    `#define RING_COUNT ${RINGS.length}`,
    ...Object.entries(RECORD_FLAGS).map(([name, value]) => `#define RECORD_${name} ${value}`),
    ...Object.entries({ ...PATH_FLAGS.names, ...EXE_FLAGS.names, ...SOCKET_FACTS.names }).map(
      ([name, value]) => `#define ${name} ${value}`,
    ),
    ...Object.entries(FLOW_DIRECTIONS.names).map(([name, value]) => `#define FLOW_${name} ${value}`),
    ...ERRORS.map((name) => `#define ${name} ${ERRNO[name]}`),
    `#define RECORD_MAX ${RECORD_MAX}`,
    `#define EXEC_NAMES_MAX ${EXEC_NAMES_MAX}`,
    `#define ARGS_DEFAULT ${ARGS_BYTES.default}`,
    `#define ARGS_MAX ${ARGS_BYTES.max}`,
    ...execCalls(),
    ...guardDefines(),
    '',
    ...programs.map((program, i) => `#define PROG_${program.name} ${i}`),
    `#define PROG_COUNT ${programs.length}`,
    '',
    `struct prog_counters {\n${counters.join('\n')}\n\t__u64 spare[${spare}];\n};`,
    assertSize('prog_counters', COUNTER_WORDS * 8),
    '',
    ...[...new Set(FAMILIES.map((family) => family.record ?? family))].flatMap(familyStruct),
    '#endif',
    '',
  ].join('\n')
}
