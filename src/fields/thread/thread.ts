/** The thread that made the event, and the capabilities of its process. */
import { CAPABILITIES } from '../../../schema/enums/index.ts'
import { field, processField, type SyscallField } from '../syscall-field.ts'

/** Names of the set bits, separated by blanks: `CAP_CHOWN CAP_KILL`. */
export function capabilityNames(bits: number): string {
  // A number holds 53 bits and the kernel knows 41 capabilities, but shifts would stop at 32.
  let rest = bits
  const names: string[] = []
  for (const name of CAPABILITIES) {
    if (rest % 2 === 1) names.push(name)
    rest = Math.floor(rest / 2)
  }
  return names.join(' ')
}

const capabilityField = (
  kind: 'permitted' | 'effective' | 'inheritable',
  bits: 'capPermitted' | 'capEffective' | 'capInheritable',
): SyscallField =>
  processField({
    name: `thread.cap_${kind}`,
    type: 'string',
    cost: 'derived',
    doc: `The ${kind} capabilities of the process as of its last exec, separated by blanks.`,
    examples: ['CAP_CHOWN CAP_SYS_ADMIN'],
    of: (process) => process.derived(`${bits}:${process[bits]}`, () => capabilityNames(process[bits])),
  })

export const threadFields: readonly SyscallField[] = [
  field({
    name: 'thread.tid',
    type: 'int',
    cost: 'free',
    doc: 'Thread id in the initial pid namespace.',
    get: (ctx) => ctx.event.tid,
  }),
  processField({
    name: 'thread.vtid',
    type: 'int',
    doc: 'Thread id in its own pid namespace; known for main threads, absent for others.',
    of: (process, ctx) => (ctx.event.tid === ctx.event.pid ? process.vpid : undefined),
  }),
  field({
    name: 'thread.ismain',
    type: 'bool',
    cost: 'free',
    doc: 'The event comes from the main thread of its process.',
    get: (ctx) => ctx.event.tid === ctx.event.pid,
  }),
  capabilityField('permitted', 'capPermitted'),
  capabilityField('effective', 'capEffective'),
  capabilityField('inheritable', 'capInheritable'),
]
