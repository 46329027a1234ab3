/** Ancestors by distance (`proc.aname[2]`), or any of them (`proc.aname`). */
import type { Str } from '../../decode/str.ts'
import type { ProcessInfo, SyscallContext } from '../context.ts'
import type { Cost, Extractor, ValueType } from '../field.ts'
import { ancestor, ancestors, MAX_ANCESTORS, once, parseIndex, type SyscallField } from '../syscall-field.ts'
import { argsOf, cmdlineOf, exeOf } from './names.ts'

interface AncestorField {
  readonly name: string
  readonly type: ValueType
  readonly cost: Cost
  readonly what: string
  readonly of: (process: ProcessInfo) => Str | number
}

function ancestorField({ name, type, cost, what, of }: AncestorField): SyscallField {
  const all = (ctx: SyscallContext): readonly (Str | number)[] =>
    once(ctx, name, () => ancestors(ctx).map(of))
  // Without an index the question is about any ancestor; what is printed is the parent.
  const any: Extractor<SyscallContext> = {
    get: (ctx) => {
      const parent = ctx.process?.parent
      return parent && of(parent)
    },
    candidates: all,
    negative: 'any',
  }
  return {
    name,
    type,
    cost,
    arg: { form: 'index', required: false, doc: 'how far up: 0 is the process itself, 1 its parent' },
    doc: `${what} of an ancestor. Without an index a comparison is true when any ancestor satisfies it, the process itself excluded.`,
    examples: [`${name}[2]`, name],
    bind(arg) {
      if (arg === undefined) return any
      const steps = parseIndex(name, arg, MAX_ANCESTORS)
      return {
        get: (ctx) => {
          const process = ancestor(ctx.process, steps)
          return process && of(process)
        },
      }
    },
  }
}

export const ancestorFields: readonly SyscallField[] = [
  ancestorField({ name: 'proc.aname', type: 'string', cost: 'state', what: 'proc.name', of: (p) => p.comm }),
  ancestorField({ name: 'proc.apid', type: 'int', cost: 'state', what: 'proc.pid', of: (p) => p.pid }),
  ancestorField({ name: 'proc.aexe', type: 'string', cost: 'derived', what: 'proc.exe', of: exeOf }),
  ancestorField({
    name: 'proc.aexepath',
    type: 'path',
    cost: 'state',
    what: 'proc.exepath',
    of: (p) => p.exePath,
  }),
  ancestorField({ name: 'proc.aargs', type: 'string', cost: 'derived', what: 'proc.args', of: argsOf }),
  ancestorField({
    name: 'proc.acmdline',
    type: 'string',
    cost: 'derived',
    what: 'proc.cmdline',
    of: cmdlineOf,
  }),
]
