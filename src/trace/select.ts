/** Which events a list of clauses asks for. */
import { MANY_ENTRIES, SETS } from '../../schema/event-sets.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import { EVENT_NAMES, findTraceEvent, TRACE_EVENTS, type TraceEvent } from './catalogue.ts'
import { type Clause, FilterError, type Word } from './expression.ts'

export interface Selection {
  readonly events: readonly TraceEvent[]
  /** Of those, the ones that only calls of 32-bit programs are meant of. */
  readonly compatOnly: ReadonlySet<TraceEvent>
}

/** Its calls have names of their own for Tracee, which are in this set. */
const COMPAT_SET = '32bit_unique'

/**
 * Events that are named, those of sets, and those that an argument is asked of. What `event!=` names is taken out of what
 * came from sets. Without `event=` and `set=` it is the set `default`. Throws FilterError.
 */
export function selectEvents(clauses: readonly Clause[]): Selection {
  const ofEntries = new Set<TraceEvent>()
  const named = new Set<TraceEvent>()
  const ofSets = new Set<TraceEvent>()
  const excluded = new Set<TraceEvent>()
  for (const clause of clauses) {
    if (clause.kind === 'event')
      for (const name of clause.names)
        for (const event of eventsLike(clause, name)) (clause.not ? excluded : named).add(event)
    if (clause.kind === 'set')
      for (const name of clause.names) {
        for (const event of eventsOfSet(clause, name)) ofSets.add(event)
        if (name.text === COMPAT_SET) for (const call of MANY_ENTRIES) ofEntries.add(TRACE_EVENTS.get(call)!)
      }
  }
  if (named.size === 0 && !clauses.some(({ kind }) => kind === 'set'))
    for (const event of TRACE_EVENTS.values()) if (event.sets.includes('default')) ofSets.add(event)
  for (const clause of clauses)
    if (clause.kind === 'argument' || clause.kind === 'retval') named.add(eventOf(clause))
  for (const event of excluded) {
    ofSets.delete(event)
    ofEntries.delete(event)
  }
  const whole = new Set([...named, ...ofSets])
  const wanted = new Set([...whole, ...ofEntries])
  if (wanted.size === 0) throw nothingLeft(clauses)
  return {
    events: [...TRACE_EVENTS.values()].filter((event) => wanted.has(event)),
    compatOnly: ofEntries.difference(whole),
  }
}

/** The event of `EVENT.ARGUMENT`. Throws FilterError. */
export function eventOf(clause: Clause & { readonly kind: 'argument' | 'retval' }): TraceEvent {
  const event = findTraceEvent(clause.event.text)
  if (event === undefined)
    throw new FilterError(
      clause.expression,
      `invalid ${clause.kind} filter event name: ${clause.event.text}`,
      clause.event,
      hintFor(clause.event.text),
    )
  return event
}

/** Only exclusions can take everything away: no set is empty. */
function nothingLeft(clauses: readonly Clause[]): FilterError {
  const { expression } = clauses.findLast((clause) => clause.kind === 'event' && clause.not)!
  const at = { from: 0, to: expression.length }
  return new FilterError(expression, 'no event is left to trace', at, 'event= or set= says which are traced')
}

function eventsLike(clause: Clause & { readonly kind: 'event' }, name: Word): readonly TraceEvent[] {
  if (name.text.endsWith('*')) {
    const beginning = name.text.slice(0, -1)
    const found = [...TRACE_EVENTS.values()].filter((event) => event.name.startsWith(beginning))
    if (found.length > 0) return found
  } else {
    const event = findTraceEvent(name.text)
    if (event !== undefined) return [event]
  }
  const what = clause.not ? 'invalid event to exclude' : 'invalid event to trace'
  throw new FilterError(clause.expression, `${what}: ${name.text}`, name, hintFor(name.text))
}

function eventsOfSet(clause: Clause, name: Word): readonly TraceEvent[] {
  if (!Object.hasOwn(SETS, name.text))
    throw new FilterError(
      clause.expression,
      `invalid set to trace: ${name.text}`,
      name,
      didYouMean(name.text, Object.keys(SETS)) ?? "'tarsier events --sets' lists them",
    )
  return [...TRACE_EVENTS.values()].filter(({ sets }) => sets.includes(name.text))
}

const hintFor = (name: string): string => didYouMean(name, EVENT_NAMES) ?? "'tarsier events' lists them"
