/** Questions about the event's type, and the paths it names under one roof. */
import type { Str } from '../../decode/str.ts'
import type { SyscallContext } from '../context.ts'
import { type Extractor, FieldArgumentError } from '../field.ts'
import { pathFields } from '../fs/path.ts'
import { field, type SyscallField } from '../syscall-field.ts'

const ROLE_OF: Readonly<Record<string, string>> = { src: 'fs.path.source', dst: 'fs.path.target' }

/** `evt.abspath`, `evt.abspath.src` and `.dst` are older names of fs.path.name, .source and .target. */
function bindAbsolutePath(arg: string | undefined): Extractor<SyscallContext> {
  const name = arg === undefined ? 'fs.path.name' : ROLE_OF[arg]
  const found = pathFields.find((candidate) => candidate.name === name)
  if (found === undefined)
    throw new FieldArgumentError(`evt.abspath[${arg}]: the argument must be src or dst`)
  return found.bind(undefined)
}

export const identityFields: readonly SyscallField[] = [
  {
    name: 'evt.type.is',
    type: 'uint',
    cost: 'free',
    arg: { form: 'key', required: true, doc: 'name of an event' },
    doc: '1 for events of that name, 0 for others. evt.type says the same and lets rules be indexed by it.',
    examples: ['evt.type.is[openat]'],
    bind: (arg) => ({ get: (ctx) => (ctx.event.name === arg ? 1 : 0) }),
  },
  {
    name: 'evt.abspath',
    type: 'path',
    cost: 'derived',
    arg: { form: 'key', required: false, doc: 'src or dst, for calls on two paths' },
    doc: 'Absolute path the call works on; src and dst are the two of a rename or link. The same as fs.path.name, fs.path.source and fs.path.target.',
    examples: ['evt.abspath', 'evt.abspath[src]'],
    bind: bindAbsolutePath,
  },
  field({
    name: 'evt.is_async',
    type: 'bool',
    cost: 'free',
    doc: 'The event did not come from the stream of the kernel. Always false.',
    get: () => false,
  }),
  field({
    name: 'evt.asynctype',
    type: 'string',
    cost: 'free',
    doc: 'Name of an asynchronous event; absent for all others.',
    get: (): Str | undefined => undefined,
  }),
]
