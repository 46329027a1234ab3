import { address, defineFamily, result, syscallEvent, u32, u64 } from '../dsl.ts'

/** Memory of another process was read or written in one call. */
export const processVm = defineFamily({
  name: 'process_vm',
  object: 'process/ptrace',
  doc: 'Memory of another process was read or written',
  ring: 'bulk',
  sets: ['process'],
  events: [
    syscallEvent('process_vm_readv', 71, 'process_vm_readv(2): copy from the memory of another process.'),
    syscallEvent('process_vm_writev', 72, 'process_vm_writev(2): copy into the memory of another process.'),
  ],
  fields: {
    res: result('bytes copied, or a negative errno'),
    addr: u64('first address in the other process; 0 when it cannot be read'),
    local_iov: address('where the list of areas of the caller lies'),
    liovcnt: u64('number of areas of the caller'),
    remote_iov: address('where the list of areas of the other process lies'),
    riovcnt: u64('number of areas of the other process'),
    flags: u64('flags: none are defined'),
    pid: u32('process or thread that is meant, in the pid namespace of the caller'),
  },
  limits:
    'What the agent attaches on its own account sees calls aimed at the agent alone. Access through /proc/PID/mem is an open.',
})
