/** What an alert of a rule with a threshold stands for. */
import type { SyscallContext } from '../context.ts'
import { field, type SyscallField } from '../syscall-field.ts'

/** Where the pipeline leaves the number while an alert is made. */
export const THRESHOLD_COUNT = 'threshold.count'

export const thresholdFields: readonly SyscallField[] = [
  field({
    name: THRESHOLD_COUNT,
    type: 'uint',
    cost: 'free',
    doc: 'In the output of a rule with `threshold`: matches (or distinct values) the alert stands for. The first alert of a key stands for what is in the window, a later one for everything since the one before. Absent elsewhere, conditions included.',
    get: ({ memo }: SyscallContext) => memo.get(THRESHOLD_COUNT) as number | undefined,
  }),
]
