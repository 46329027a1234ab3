/**
 * Guarded events of which no more is known beforehand than how the call ended: plain syscalls, hooks, and others that are
 * asked for by the process and by what is in their arguments.
 */
import { type EventType, PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { ARGUMENTS } from '../fields/evt/arguments.ts'
import { directionOf } from '../fields/evt/io.ts'
import { MADE_EVENTS } from '../fields/fd/made.ts'
import { pathFieldsOfCall } from '../fields/fs/path.ts'
import type { Fact, Facts } from './facts.ts'
import {
  ABSENT,
  END_FIELDS,
  FD_PATHS,
  flag,
  type GuardedEvent,
  LENGTH,
  NO,
  NO_OPEN,
  never,
  outcome,
  upTo,
  withoutPaths,
} from './outcomes.ts'
import type { PathPart } from './paths.ts'

/** Events without a guard, by family, and why every one is sent. */
const ALWAYS_SENT: ReadonlyMap<string, string> = new Map([
  ['sched_process_exec', 'since it is made with the event of the exec'],
  ['container', 'since the agent makes it of what happens to cgroups'],
  ['init_namespaces', 'since there is just one, when the agent starts'],
])

const reasonOf = ({ family }: EventType): string | undefined =>
  family.state === true && family.name !== 'exec'
    ? 'since the table of processes lives on it'
    : ALWAYS_SENT.get(family.name)

/** Why an event has no guard; undefined for one that has. */
export function whyAlwaysSent(event: string): string | undefined {
  const type = PUBLIC_EVENT_TYPES.find(({ name }) => name === event)
  return type && reasonOf(type)
}

/** Events that the agent makes of others, by family, and the family of those: who wants the ones needs all of the others. */
export const MADE_OF: ReadonlyMap<string, string> = new Map([['container', 'cgroup']])

/** Families about sockets whose programs run when packets come, whoever runs then. */
const AT_PACKETS: ReadonlySet<string> = new Set(['flow', 'packet'])

/** Events in the middle of an exec: the process is not the one before any more, nor the one that it is told to be later. */
const IN_EXEC: ReadonlySet<string> = new Set(['security_bprm_check'])

/** Results of 32-bit calls have 32 bits, of which the highest is a sign: of an address as well. */
const BELOW_ZERO: Fact = { from: -Number.MAX_SAFE_INTEGER, to: -1 }

const NO_RESULT: Facts = { 'evt.failed': NO, 'evt.rawres': ABSENT, 'evt.res': ABSENT }

const hasResult = ({ family }: EventType): boolean => 'res' in family.fields

function callEvent(type: EventType): GuardedEvent {
  const { name, id } = type
  const shapes = upTo(hasResult(type) ? 3 : 1)
  const atPackets = AT_PACKETS.has(type.family.name)
  let facts: readonly Facts[] | undefined
  return {
    name,
    id,
    isLook: () => false,
    shapes,
    paths: pathArguments(type),
    ...(atPackets ? { ends: true } : {}),
    ...(atPackets || IN_EXEC.has(name) ? { nobody: true } : {}),
    // Hundreds of events: made when the first rule may be about one.
    facts(shape) {
      facts ??= shapes.map((each) => factsOf(type, each))
      return facts[shape]!
    },
  }
}

const FD_PATH_FIELDS: readonly string[] = [...Object.keys(FD_PATHS), 'fd.nameraw']

/** What is known of an event by how its call ended, the lowest bits of its shape. */
export function factsOf(type: EventType, shape: number): Facts {
  const { name } = type
  const way = directionOf(name)
  const isSocket = AT_PACKETS.has(type.family.name)
  // What a call has made has a name, as a socket has, though no path that is looked at.
  const isNamed = isSocket || MADE_EVENTS.includes(name)
  return {
    'evt.type': { oneOf: [name] },
    ...(hasResult(type) ? outcome(shape, LENGTH, BELOW_ZERO) : NO_RESULT),
    'evt.is_io': flag(way !== undefined),
    'evt.is_io_read': flag(way === 'read'),
    'evt.is_io_write': flag(way === 'write'),
    ...NO_OPEN,
    ...(isNamed ? {} : never(['fd.num', 'fd.type', 'fd.typechar'])),
    ...(isSocket ? {} : never(END_FIELDS)),
    ...withoutPaths([...(isNamed ? FD_PATH_FIELDS : []), ...pathFieldsOfCall(name)]),
  }
}

/** Arguments that are paths. One that starts from no directory beside others that do is no more than text. */
function pathArguments({ name }: EventType): Readonly<Record<string, PathPart>> {
  const paths = (ARGUMENTS.get(name) ?? []).filter(({ type }) => type === 'path')
  const starts = paths.some(({ base }) => base !== undefined)
  return Object.fromEntries(
    paths.map((argument) => [
      `evt.arg[${argument.name}]`,
      starts && argument.base === undefined ? 'raw' : 'path',
    ]),
  )
}

/** Of all event types that have a guard but these. */
export const callEvents = (others: ReadonlySet<string>): readonly GuardedEvent[] =>
  PUBLIC_EVENT_TYPES.filter((type) => reasonOf(type) === undefined && !others.has(type.name)).map(callEvent)
