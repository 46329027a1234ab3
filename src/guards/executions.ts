/**
 * Executions: the process table lives on them, so they are always sent, but nobody is woken for one that no rule can match. The
 * process is the one it has become; a call that failed leaves it what it was.
 */
import { EXE_FLAGS } from '../../schema/enums/index.ts'
import { EXEC_SHAPE, OUTCOMES } from '../../schema/guard.ts'
import { type EventType, PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { factsOf } from './calls.ts'
import type { Facts } from './facts.ts'
import { flag, type GuardedEvent, hasFailed, upTo } from './outcomes.ts'

/** What a flag of the executable says. */
const FIELDS: Readonly<Record<string, number>> = {
  'proc.is_exe_writable': EXE_FLAGS.names['EXE_WRITABLE']!,
  'proc.is_exe_upper_layer': EXE_FLAGS.names['EXE_UPPER_LAYER']!,
  'proc.is_exe_lower_layer': EXE_FLAGS.names['EXE_LOWER_LAYER']!,
  'proc.is_exe_from_memfd': EXE_FLAGS.names['EXE_FROM_MEMFD']!,
  'proc.is_exe_deleted': EXE_FLAGS.names['EXE_DELETED']!,
}

const imageFacts = (shape: number): Facts =>
  Object.fromEntries(
    Object.entries(FIELDS).map(([name, bit]) => [
      name,
      flag(((shape >> EXEC_SHAPE.FLAGS_SHIFT) & bit) !== 0),
    ]),
  )

const execEvent = (type: EventType): GuardedEvent => ({
  name: type.name,
  id: type.id,
  isLook: () => false,
  shapes: [
    OUTCOMES.FAILED,
    OUTCOMES.DENIED,
    ...upTo(EXEC_SHAPE.FLAGS + 1).map((flags) => OUTCOMES.OK | (flags << EXEC_SHAPE.FLAGS_SHIFT)),
  ],
  paths: { 'proc.exe': 'text', 'proc.cwd': 'slashed' },
  facts: (shape) => ({
    ...factsOf(type, shape),
    ...(hasFailed(shape) ? {} : imageFacts(shape)),
  }),
})

export const EXECUTIONS: readonly GuardedEvent[] = PUBLIC_EVENT_TYPES.filter(
  ({ family }) => family.name === 'exec',
).map(execEvent)
