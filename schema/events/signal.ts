import { atTracepoint, defineFamily, oneOf, s32, str, u32 } from '../dsl.ts'
import { SIGNAL_CODES, SIGNAL_RESULTS, SIGNALS } from '../enums/index.ts'

/** A signal was sent, by whatever call. */
export const signal = defineFamily({
  name: 'signal',
  object: 'process/signal',
  doc: 'A signal was sent to a process',
  ring: 'bulk',
  sets: ['process'],
  events: [
    {
      name: 'signal_generate',
      id: 73,
      doc: 'A signal was generated: kill(2), tgkill(2), pidfd_send_signal(2), or the kernel itself.',
      programs: [atTracepoint('signal_generate')],
    },
  ],
  fields: {
    sig: oneOf('the signal', SIGNALS),
    code: oneOf('where it comes from', SIGNAL_CODES, 's32'),
    pid: u32('process it is for, initial namespace'),
    tid: u32('thread it is for, initial namespace'),
    result: oneOf('what became of it', SIGNAL_RESULTS),
    group: s32('1 when any thread of the process may take it, 0 when it is for that thread'),
    target: str('name of the process it is for', { max: 16 }),
  },
  limits:
    'The process of the event is the sender when the code is SI_USER, SI_TKILL or SI_QUEUE; for signals of the kernel it is whoever ran. Signal 0 is none. What the agent attaches on its own account sees signals to the agent alone.',
})
