/** How the call ended. */
import { errnoName } from '../../../schema/enums/index.ts'
import { byEventType, type NumberPlaces, slotOf } from '../../decode/event-view.ts'
import type { SyscallContext } from '../context.ts'
import { field, type SyscallField } from '../syscall-field.ts'

/** Return value: `res`, or the descriptor of an open; undefined for events that are no calls. */
export function rawResult({ event }: SyscallContext): number | undefined {
  const slot = event.slotAt(RESULT)
  return slot && event.numberAt(slot)
}

/** Where it lies. */
export const RESULT: NumberPlaces = byEventType(
  ({ family }) => slotOf(family, 'res') ?? (family.name === 'open' ? slotOf(family, 'fd') : undefined),
)

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
