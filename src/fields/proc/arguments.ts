/** The argument vector and the environment of a process. */
import type { ProcessInfo, SyscallContext } from '../context.ts'
import { type Extractor, FieldArgumentError } from '../field.ts'
import { ancestors, LOOK, parseIndex, processField, type SyscallField } from '../syscall-field.ts'
import { argsOf } from './names.ts'

/** Highest index of an argument that may be asked for. */
const ARG_INDEX_MAX = 65535

/** Value of a variable: what follows `NAME=`; the first entry counts, as in getenv(3). */
function envValue(env: readonly string[], name: string): string | undefined {
  const prefix = `${name}=`
  return env.find((entry) => entry.startsWith(prefix))?.slice(prefix.length)
}

const bindArgs = (arg: string | undefined): Extractor<SyscallContext> => {
  if (arg === undefined) return { get: (ctx) => ctx.process && argsOf(ctx.process), origin: LOOK }
  const index = parseIndex('proc.args', arg, ARG_INDEX_MAX)
  return {
    get: ({ process }) => {
      const value = process?.argv[index + 1]
      return value === undefined ? undefined : process!.derived(`args[${index}]`, () => value)
    },
  }
}

const envText = (process: ProcessInfo) => process.derived('env', () => process.env.join(' '))

const checkVariable = (field: string, arg: string): string => {
  if (arg === '' || arg.includes('='))
    throw new FieldArgumentError(`${field}[${arg}]: the argument must be the name of a variable`)
  return arg
}

const bindEnv = (arg: string | undefined): Extractor<SyscallContext> => {
  if (arg === undefined) return { get: (ctx) => ctx.process && envText(ctx.process) }
  const name = checkVariable('proc.env', arg)
  return { get: ({ process }) => process && variable(process, name) }
}

const variable = (process: ProcessInfo, name: string) => {
  const value = envValue(process.env, name)
  return value === undefined ? undefined : process.derived(`env[${name}]`, () => value)
}

const bindAncestorEnv = (arg: string | undefined): Extractor<SyscallContext> => {
  if (arg === undefined) {
    const candidates = (ctx: SyscallContext) => ancestors(ctx).map(envText)
    return { get: (ctx) => candidates(ctx)[0], candidates, negative: 'any' }
  }
  const name = checkVariable('proc.aenv', arg)
  const candidates = (ctx: SyscallContext) =>
    ancestors(ctx).flatMap((process) => variable(process, name) ?? [])
  return { get: (ctx) => candidates(ctx)[0], candidates, negative: 'any' }
}

export const argumentFields: readonly SyscallField[] = [
  {
    name: 'proc.args',
    type: 'string',
    cost: 'derived',
    arg: { form: 'index', required: false, doc: 'which argument, from 0; argv[0] is not counted' },
    doc: 'Arguments without argv[0], joined by blanks, at most 4,096 characters; with an index, one of them.',
    examples: ['proc.args', 'proc.args[0]'],
    bind: bindArgs,
  },
  processField({
    name: 'proc.nargs',
    type: 'uint',
    doc: 'Number of arguments without argv[0].',
    of: (process) => Math.max(process.argv.length - 1, 0),
  }),
  processField({
    name: 'proc.cmdnargs',
    type: 'uint',
    doc: "Number of arguments without argv[0]; Falco's name for proc.nargs.",
    of: (process) => Math.max(process.argv.length - 1, 0),
  }),
  processField({
    name: 'proc.cmdlenargs',
    type: 'uint',
    doc: 'Characters of all arguments without argv[0], blanks between them not counted.',
    of: (process) => process.argv.slice(1).reduce((sum, arg) => sum + arg.length, 0),
  }),
  {
    name: 'proc.env',
    type: 'string',
    cost: 'derived',
    arg: { form: 'key', required: false, doc: 'name of a variable' },
    doc: 'Environment of the last exec, joined by blanks; with a name, the value of that variable. Captured only when a rule or an output asks for it.',
    examples: ['proc.env[LD_PRELOAD]'],
    bind: bindEnv,
  },
  {
    name: 'proc.aenv',
    type: 'string',
    cost: 'derived',
    arg: { form: 'key', required: false, doc: 'name of a variable' },
    doc: 'Environment of any ancestor; with a name, the value of that variable in any ancestor that has it.',
    bind: bindAncestorEnv,
  },
]
