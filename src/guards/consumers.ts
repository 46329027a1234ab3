/** Who wants events, and what that means for the kernel. */
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { SyscallContext } from '../fields/context.ts'
import type { CompiledRule, EventSet } from '../rules/ir.ts'
import { ALWAYS, type Branches, or } from './branches.ts'
import { MADE_OF } from './calls.ts'
import type { Consumer } from './classes.ts'
import { pathTest } from './paths.ts'
import { GUARDED_EVENTS, type GuardedEvent } from './shapes.ts'
import type { ByShape, Weakener } from './weaken.ts'

type Rule = CompiledRule<SyscallContext>

/** Guarded events of a set. */
const guardedOf = (events: EventSet): readonly GuardedEvent[] =>
  [...GUARDED_EVENTS.values()].filter(({ name }) => events === '*' || events.has(name))

/** Events that others of the set are made of. */
const madeOf = (events: EventSet): readonly GuardedEvent[] =>
  PUBLIC_EVENT_TYPES.filter(({ family }) => sources(events).has(family.name)).flatMap(
    ({ name }) => GUARDED_EVENTS.get(name) ?? [],
  )

/** Families of those. */
const sources = (events: EventSet): ReadonlySet<string> =>
  new Set(
    PUBLIC_EVENT_TYPES.filter(({ name }) => events === '*' || events.has(name)).flatMap(
      ({ family }) => MADE_OF.get(family.name) ?? [],
    ),
  )

/** What is needed of each event; all of those that others are made of. */
const needsOf = (events: EventSet, of: (event: GuardedEvent) => ByShape): ReadonlyMap<string, ByShape> =>
  new Map([
    ...guardedOf(events).map((event) => [event.name, of(event)] as const),
    ...madeOf(events).map(({ name, shapes }) => [name, [{ shapes, branches: ALWAYS }]] as const),
  ])

/** A rule needs what follows from its condition. */
export const ruleConsumer = (rule: Rule, weaken: Weakener<SyscallContext>): Consumer => ({
  kind: 'rule',
  name: rule.name,
  needs: needsOf(rule.events, (event) => weaken(rule.condition, event)),
})

/** What a stream of events is interested in: everything where neither paths nor patterns are given. */
export interface StreamInterest {
  readonly name: string
  readonly events: ReadonlySet<string>
  /** Files, or directories with all below them, under each name they have on this machine. */
  readonly paths: readonly string[]
  /** `*.ext` is an ending of the path, any other `*` or `?` a glob of the name (with a slash: of the path), else a piece. */
  readonly patterns: readonly string[]
  /** Only what may change a file: a file that is opened for reading is of no interest. */
  readonly changes?: boolean
}

/** A stream of events needs those whose path is watched, on either spelling; events without paths pass. */
export function streamConsumer({ name, events, paths, patterns, changes = false }: StreamInterest): Consumer {
  const everything = paths.length === 0 && patterns.length === 0
  const branches: Branches = everything
    ? ALWAYS
    : // A name with characters that `pmatch` takes for a glob is asked for as far as it is plain.
      or([...paths.map((path) => pathTest('path', 'pmatch', path)), ...patterns.map(patternBranches)])
  const byShape = (event: GuardedEvent): ByShape => {
    // What may be a socket has perhaps no path.
    // and a path that is no more than an argument, or the process's, is none to what watches files.
    const isFile = Object.keys(event.paths).some((field) => /^f[ds]\./.test(field))
    const hasPath = isFile && event.ends !== true
    const needed = hasPath ? branches : ALWAYS
    const shapes = changes ? event.shapes.filter((shape) => !event.isLook(shape)) : event.shapes
    return [{ shapes, branches: needed }]
  }
  return {
    kind: 'stream',
    name,
    needs: needsOf(events, byShape),
  }
}

function patternBranches(pattern: string): Branches {
  const ending = /^\*([^*?]+)$/.exec(pattern)?.[1]
  if (ending !== undefined) return pathTest('path', 'endswith', ending)
  if (!/[*?]/.test(pattern)) return pathTest('path', 'contains', pattern)
  // Brackets and backslashes mean themselves here.
  const plain = pattern.replace(/[[\\].*/, '*')
  return pathTest(pattern.includes('/') ? 'path' : 'name', 'glob', plain)
}
