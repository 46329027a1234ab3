/** What a process is called: its name, executable and command line, and those of its parent. */
import type { Str } from '../../decode/str.ts'
import type { ProcessInfo } from '../context.ts'
import { LOOK, processField, type SyscallField } from '../syscall-field.ts'

/** Falco keeps this many bytes of arguments; longer command lines are cut there. */
const ARGS_MAX = 4096

const joinArgs = (argv: readonly string[]): string => argv.slice(1).join(' ').slice(0, ARGS_MAX)
const withArgs = (head: string, argv: readonly string[]): string => {
  const args = joinArgs(argv)
  return args === '' ? head : `${head} ${args}`
}

/** argv[0], empty without arguments. */
export const exeOf = (process: ProcessInfo): Str => process.derived('exe', () => process.argv[0] ?? '')
/** Arguments after argv[0], joined by blanks. */
export const argsOf = (process: ProcessInfo): Str => process.derived('args', () => joinArgs(process.argv))
/** Name and arguments: `comm args`, as Falco builds it. */
export const cmdlineOf = (process: ProcessInfo): Str =>
  process.derived('cmdline', () => withArgs(process.comm.text, process.argv))
/** argv as typed: argv[0] and arguments. */
const exelineOf = (process: ProcessInfo): Str =>
  process.derived('exeline', () => withArgs(process.argv[0] ?? '', process.argv))

export const nameFields: readonly SyscallField[] = [
  processField({
    name: 'proc.name',
    type: 'string',
    doc: 'Name of the process: the comm of its main thread, at most 15 bytes. It is the file name of the executable until the process changes it.',
    examples: ['bash', 'nginx'],
    origin: LOOK,
    of: (process) => process.comm,
  }),
  processField({
    name: 'proc.pname',
    type: 'string',
    doc: 'Name of the parent process; absent when the parent is not known.',
    of: (process) => process.parent?.comm,
  }),
  processField({
    name: 'proc.exe',
    type: 'string',
    cost: 'derived',
    doc: 'First element of the argument vector: what the caller claims to run. See proc.exepath for the truth.',
    origin: LOOK,
    of: exeOf,
  }),
  processField({
    name: 'proc.pexe',
    type: 'string',
    cost: 'derived',
    doc: 'proc.exe of the parent.',
    of: (process) => process.parent && exeOf(process.parent),
  }),
  processField({
    name: 'proc.exepath',
    type: 'path',
    doc: 'Path of the executable as the kernel resolved it, symbolic links followed; `memfd:NAME` for a program in memory.',
    examples: ['/usr/bin/dash'],
    origin: LOOK,
    of: (process) => process.exePath,
  }),
  processField({
    name: 'proc.pexepath',
    type: 'path',
    doc: 'proc.exepath of the parent.',
    of: (process) => process.parent?.exePath,
  }),
  processField({
    name: 'proc.cmdline',
    type: 'string',
    cost: 'derived',
    doc: 'proc.name followed by the arguments, without argv[0]; at most 4,096 characters of arguments.',
    examples: ['sh -c id'],
    origin: LOOK,
    of: cmdlineOf,
  }),
  processField({
    name: 'proc.pcmdline',
    type: 'string',
    cost: 'derived',
    doc: 'proc.cmdline of the parent.',
    of: (process) => process.parent && cmdlineOf(process.parent),
  }),
  processField({
    name: 'proc.exeline',
    type: 'string',
    cost: 'derived',
    doc: 'argv[0] followed by the arguments.',
    origin: LOOK,
    of: exelineOf,
  }),
]
