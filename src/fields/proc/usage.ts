/** Limits, memory and page faults of a process as of its last exec; nobody is asked for newer ones. */
import type { ExecFacts, ProcessInfo } from '../context.ts'
import { processField, type SyscallField } from '../syscall-field.ts'

const AS_OF = 'as of the last exec'

const usage = (
  name: string,
  doc: string,
  of: (facts: ExecFacts, process: ProcessInfo) => number | undefined,
): SyscallField =>
  processField({
    name,
    type: 'uint',
    doc: `${doc}, ${AS_OF}.`,
    of: (process) => process.image && of(process.image, process),
  })

const BYTES = 1024

export const usageFields: readonly SyscallField[] = [
  processField({
    name: 'proc.fdlimit',
    type: 'int',
    doc: `Most descriptors the process may have open, ${AS_OF}.`,
    of: (process) => process.image?.fdLimit,
  }),
  usage('proc.vmsize', 'Size of the address space, KiB', (facts) => facts.vmSize),
  usage('proc.vmrss', 'Resident memory, KiB', (facts) => facts.vmRss),
  usage('proc.vmswap', 'Memory swapped out, KiB', (facts) => facts.vmSwap),
  usage('thread.vmsize', 'Size of the address space, KiB', (facts) => facts.vmSize),
  usage('thread.vmrss', 'Resident memory, KiB', (facts) => facts.vmRss),
  usage('thread.vmsize.b', 'Size of the address space, bytes', (facts) => facts.vmSize * BYTES),
  usage('thread.vmrss.b', 'Resident memory, bytes', (facts) => facts.vmRss * BYTES),
  usage('thread.pfmajor', 'Major page faults', (facts) => facts.majorFaults),
  usage('thread.pfminor', 'Minor page faults', (facts) => facts.minorFaults),
]
