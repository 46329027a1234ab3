/**
 * Guarded events of which no more is known beforehand than how the call ended: plain syscalls, and others that are asked for
 * by what is in their arguments.
 */
import { ARGUMENT_FIELDS } from '../../schema/guard.ts'
import { type EventType, PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { ARGUMENTS } from '../fields/evt/arguments.ts'
import { directionOf } from '../fields/evt/io.ts'
import { MADE_EVENTS } from '../fields/fd/made.ts'
import { pathFieldsOfCall } from '../fields/fs/path.ts'
import type { Fact, Facts } from './facts.ts'
import {
  ABSENT,
  FD_PATHS,
  flag,
  type GuardedEvent,
  LENGTH,
  NO,
  NO_OPEN,
  outcome,
  upTo,
  withoutPaths,
} from './outcomes.ts'

/** Families of syscalls whose guards know more of them, under the same field names. */
const SHAPED: ReadonlySet<string> = new Set(['socket_new'])

/** Event types of this kind. */
const isCall = ({ family }: EventType): boolean =>
  family.record !== undefined || (family.name in ARGUMENT_FIELDS && !SHAPED.has(family.name))

/** Results of 32-bit calls have 32 bits, of which the highest is a sign: of an address as well. */
const BELOW_ZERO: Fact = { from: -Number.MAX_SAFE_INTEGER, to: -1 }

const NO_RESULT: Facts = { 'evt.failed': NO, 'evt.rawres': ABSENT, 'evt.res': ABSENT }

const hasResult = ({ family }: EventType): boolean => 'res' in family.fields

function callEvent(type: EventType): GuardedEvent {
  const { name, id } = type
  const shapes = upTo(hasResult(type) ? 3 : 1)
  const paths = pathArguments(name)
  let facts: readonly Facts[] | undefined
  return {
    name,
    id,
    isLook: () => false,
    shapes,
    paths: Object.fromEntries(paths.map((argument) => [`evt.arg[${argument}]`, 'path'])),
    // Hundreds of events: made when the first rule may be about one.
    facts(shape) {
      facts ??= shapes.map((each) => factsOf(type, each))
      return facts[shape]!
    },
  }
}

function factsOf(type: EventType, shape: number): Facts {
  const { name } = type
  const way = directionOf(name)
  // What a call has made has a name, though no path that is looked at.
  const made = MADE_EVENTS.includes(name) ? [...Object.keys(FD_PATHS), 'fd.nameraw'] : []
  return {
    'evt.type': { oneOf: [name] },
    ...(hasResult(type) ? outcome(shape, LENGTH, BELOW_ZERO) : NO_RESULT),
    'evt.is_io': flag(way !== undefined),
    'evt.is_io_read': flag(way === 'read'),
    'evt.is_io_write': flag(way === 'write'),
    ...NO_OPEN,
    ...withoutPaths([...made, ...pathFieldsOfCall(name)]),
  }
}

const pathArguments = (event: string): readonly string[] =>
  (ARGUMENTS.get(event) ?? []).filter(({ type }) => type === 'path').map(({ name }) => name)

export const CALL_EVENTS: readonly GuardedEvent[] = PUBLIC_EVENT_TYPES.filter(isCall).map(callEvent)
