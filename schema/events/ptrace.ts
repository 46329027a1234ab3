import { address, defineFamily, oneOf, result, syscallEvent, u32 } from '../dsl.ts'
import { PTRACE_REQUESTS } from '../enums/index.ts'

/** A process was traced: attached to, read, changed. */
export const ptrace = defineFamily({
  name: 'ptrace',
  object: 'process/ptrace',
  doc: 'A process controls another one as a debugger does',
  ring: 'bulk',
  sets: ['process'],
  events: [syscallEvent('ptrace', 70, 'ptrace(2).')],
  fields: {
    res: result('0 or what the request asked for, or a negative errno'),
    addr: address('address argument'),
    data: address('data argument: an address or a number'),
    request: oneOf('what is asked for', PTRACE_REQUESTS),
    pid: u32('thread that is meant, in the pid namespace of the caller'),
    tracee: u32('process id of that thread, initial namespace; 0 when the caller does not trace it', {
      hidden: true,
    }),
  },
  limits:
    'What the agent attaches on its own account sees attaching and changing of the agent alone; a rule that names the event sees every call.',
})
