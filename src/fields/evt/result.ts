/** How the call ended. */
import { errnoName } from '../../../schema/enums/index.ts'
import type { SyscallContext } from '../context.ts'
import { field, type SyscallField } from '../syscall-field.ts'

/** Return value: `res`, or the descriptor of an open; undefined for events that are no calls. */
export const rawResult = (ctx: SyscallContext): number | undefined =>
  ctx.event.number('res') ?? (ctx.event.family === 'open' ? ctx.event.number('fd') : undefined)

/** Name of a negative errno, or its number when it has none. */
const errorText = (res: number): string => errnoName(res) ?? String(-res)

export const resultFields: readonly SyscallField[] = [
  field({
    name: 'evt.res',
    type: 'string',
    cost: 'free',
    doc: '`SUCCESS`, or the name of the error. Absent for events that are no calls, such as procexit.',
    examples: ['SUCCESS', 'ENOENT'],
    get: (ctx) => {
      const res = rawResult(ctx)
      return res === undefined ? undefined : ctx.lookup.intern(res < 0 ? errorText(res) : 'SUCCESS')
    },
  }),
  field({
    name: 'evt.rawres',
    type: 'int',
    cost: 'free',
    doc: 'Return value of the call; negative is an errno.',
    get: rawResult,
  }),
  field({
    name: 'evt.failed',
    type: 'bool',
    cost: 'free',
    doc: 'The call returned an error. False for events that are no calls.',
    get: (ctx) => (rawResult(ctx) ?? 0) < 0,
  }),
]
