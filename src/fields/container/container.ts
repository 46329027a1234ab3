/** The container of the process, from its cgroup. */
import { processField, type SyscallField, textOf } from '../syscall-field.ts'

export const containerFields: readonly SyscallField[] = [
  processField({
    name: 'container.id',
    type: 'string',
    doc: 'First 12 characters of the id of the container, from the cgroup path; `host` outside containers. Absent when the process is unknown.',
    examples: ['host', '3ad7b26ded6d'],
    of: (process, ctx) => textOf(ctx, process.containerId ?? 'host'),
  }),
]
