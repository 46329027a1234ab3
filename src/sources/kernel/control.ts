/** What the agent writes for its programs: the control map, and constants that are set before they are loaded. */
import { EVENT_TYPES } from '../../../schema/index.ts'
import type { Wanted } from './options.ts'

/** A word of the control map that is not what the agent wrote. */
export interface ControlChange {
  readonly word: string
  readonly expected: number
  readonly found: number
}

/** Programs that watch over the agent (bpf/include/agent.h), with the events they have for rules. */
export const RESTRICTED = [
  { word: 'ptrace_restricted', events: ['ptrace'] },
  { word: 'process_vm_restricted', events: ['process_vm_readv', 'process_vm_writev'] },
  { word: 'pidfd_restricted', events: ['pidfd_getfd'] },
  { word: 'signal_restricted', events: ['signal_generate'] },
  { word: 'bpf_restricted', events: ['bpf'] },
] as const

/** Constants of these programs: 1 where no rule wants all events. */
export const restrictions = (wanted: ReadonlySet<string> | '*'): Readonly<Record<string, number>> =>
  Object.fromEntries(
    RESTRICTED.map(({ word, events }) => [
      word,
      wanted === '*' || events.some((name) => wanted.has(name)) ? 0 : 1,
    ]),
  )

/** Events of the process table that nobody else wants: a bit for each id. They wake no reader. */
export const quietEvents = ({ events, done }: Pick<Wanted, 'events' | 'done'>): number =>
  EVENT_TYPES.filter(
    ({ name, family }) =>
      family.state === true && events !== '*' && !events.has(name) && done?.has(name) !== true,
  ).reduce((bits, { id }) => bits | (1 << id), 0)
/** Part of the critical ring that may fill with them. */
export const QUIET_PART = 1 / 8

/** Words of struct control (bpf/include/maps.h). */
export const CONTROL = {
  agentTgid: 0,
  cpus: 1,
  polling: 2,
  wantEnv: 3,
  generation: 4,
  stopped: 5,
  throttle: 6,
  cgroupEpoch: 7,
  quiet: 8,
  quietBytes: 9,
  namesEpoch: 10,
  wantStreams: 11,
} as const
/** Bytes of struct seq_line. */
export const SEQUENCE_BYTES = 64
