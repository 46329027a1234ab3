/** The thread that made the event, and the capabilities of its process. */
import { CAPABILITIES } from '../../../schema/enums/index.ts'
import type { ExecFacts, ProcessInfo, SyscallContext } from '../context.ts'
import { type Extractor, FieldArgumentError } from '../field.ts'
import { field, processField, type SyscallField, textOf } from '../syscall-field.ts'

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

/** Hierarchies whose path is known, by the name that thread.cgroup takes. */
const HIERARCHIES = {
  unified: (facts: ExecFacts) => facts.cgroup,
  v1: (facts: ExecFacts) => facts.cgroupV1,
} as const

/** Each hierarchy with its path; undefined when nothing is known of the process. */
export const cgroupsText = ({ image }: ProcessInfo): string | undefined =>
  image &&
  Object.entries(HIERARCHIES)
    .flatMap(([name, of]) => {
      const path = of(image)
      return path === undefined ? [] : [`${name}=${path.text}`]
    })
    .join(' ')

function bindCgroup(arg: string | undefined): Extractor<SyscallContext> {
  const of = HIERARCHIES[arg as keyof typeof HIERARCHIES]
  if (of === undefined)
    throw new FieldArgumentError(
      `thread.cgroup[${arg}]: known are unified (version 2) and v1 (the deepest version 1 path); single controllers are not told apart`,
    )
  return { get: (ctx) => ctx.process?.image && of(ctx.process.image) }
}

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
  field({
    name: 'thread.nametid',
    type: 'string',
    cost: 'derived',
    doc: 'Name of the process and id of the thread in one word.',
    examples: ['nginx4711'],
    get: (ctx) => ctx.process && ctx.lookup.intern(`${ctx.process.comm.text}${ctx.event.tid}`),
  }),
  processField({
    name: 'thread.cgroups',
    type: 'string',
    cost: 'derived',
    doc: 'Control groups of the process as of its last exec: the path in the version 2 hierarchy, and the deepest one of version 1.',
    examples: ['unified=/system.slice/ssh.service'],
    of: (process, ctx) => textOf(ctx, cgroupsText(process)),
  }),
  {
    name: 'thread.cgroup',
    type: 'string',
    cost: 'state',
    arg: { form: 'key', required: true, doc: 'unified or v1' },
    doc: 'Path of the control group of the process in one hierarchy, as of its last exec.',
    examples: ['thread.cgroup[unified]'],
    bind: bindCgroup,
  },
]
