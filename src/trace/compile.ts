/**
 * A filter as rules: one for each event that is traced, with a condition in the IR that all rule languages share. So the
 * engine evaluates it like any rule, and what the kernel may pass over follows from it like from any rule.
 */
import { RECORD_FLAGS } from '../../schema/index.ts'
import { decodeBytes, type Str } from '../decode/str.ts'
import type { SyscallContext } from '../fields/context.ts'
import { defineField, type FieldDef } from '../fields/field.ts'
import { SYSCALL_FIELDS } from '../fields/index.ts'
import { pathOf, spellingsOf } from '../fields/paths.ts'
import { didYouMean } from '../rules/condition/suggest.ts'
import type { Span } from '../rules/diagnostics.ts'
import type { CompiledRule, Expr, Operator } from '../rules/ir.ts'
import type { ArgumentValue, TraceArgument } from './arguments.ts'
import type { TraceEvent } from './catalogue.ts'
import { type Clause, FilterError, NUMBER_SCOPES } from './expression.ts'
import { Kinship } from './kinship.ts'
import { eventOf, selectEvents } from './select.ts'

type Condition = Expr<SyscallContext>
type Field = FieldDef<SyscallContext>

export interface TraceFilter {
  readonly events: readonly TraceEvent[]
  /** One for each event, with its name. */
  readonly rules: readonly CompiledRule<SyscallContext>[]
  /** Names of syscalls that are traced of 32-bit programs alone. */
  readonly compatOnly: ReadonlySet<string>
  /** Which processes are in scope, apart from what they do; undefined where nobody follows. */
  readonly followScope: CompiledRule<SyscallContext> | undefined
  readonly kinship: Kinship
  /** Containers are asked for. */
  readonly containers: boolean
  /** An environment is asked for. */
  readonly env: boolean
  /** From now on things are new: CLOCK_BOOTTIME ns. */
  begin(bootTimeNs: number): void
}

/** Throws FilterError for what makes no sense. */
export function compileFilter(clauses: readonly Clause[]): TraceFilter {
  const { events, compatOnly } = selectEvents(clauses)
  const kinship = new Kinship({ included: treePids(clauses, false), excluded: treePids(clauses, true) })
  const session = { began: Number.MAX_SAFE_INTEGER }
  const fields = scopeFields(session, kinship)
  const scope = scopeOf(clauses, fields)
  const follow = clauses.some(({ kind }) => kind === 'follow') && scope.length > 0
  const inScope: Condition = follow ? or([and(scope), test(fields.followed, '=', [true])]) : and(scope)
  return {
    events,
    kinship,
    compatOnly: new Set([...compatOnly].flatMap(({ sources }) => sources)),
    rules: events.map((event) => {
      const entry = compatOnly.has(event) ? [test(OF_32_BITS, '=', [true])] : []
      return ruleOf(event, and([inScope, ...entry, ...conditionsOf(event, clauses)]))
    }),
    followScope: follow ? rule('follow', '*', and(scope)) : undefined,
    containers: clauses.some(
      (clause) =>
        clause.kind === 'in-container' ||
        clause.kind === 'container' ||
        (clause.kind === 'new' && clause.scope === 'container'),
    ),
    env: clauses.some(
      (clause) => clause.kind === 'argument' && argumentOf(clause, eventOf(clause)).secrets === 'environment',
    ),
    begin(bootTimeNs) {
      session.began = bootTimeNs
    },
  }
}

const treePids = (clauses: readonly Clause[], not: boolean): ReadonlySet<number> =>
  new Set(clauses.flatMap((clause) => (clause.kind === 'tree' && clause.not === not ? clause.pids : [])))

const NOWHERE: Span = { file: 'trace', line: 1, column: 1, from: 0, to: 0 }

const rule = (
  name: string,
  events: ReadonlySet<string> | '*',
  condition: Condition,
): CompiledRule<SyscallContext> => ({
  name,
  source: 'syscall',
  desc: '',
  priority: 'Informational',
  tags: [],
  condition,
  events,
  format: [],
  span: NOWHERE,
})

function ruleOf(event: TraceEvent, condition: Condition): CompiledRule<SyscallContext> {
  const own = [
    test(shared('evt.type'), 'in', event.sources),
    ...(event.succeeded ? [test(shared('evt.rawres'), '>=', [0])] : []),
    ...(event.family === 'fork' && event.succeeded ? [test(MADE_PROCESS, '=', [true])] : []),
  ]
  return rule(event.name, new Set(event.sources), and([...own, condition]))
}

const and = (items: readonly Condition[]): Condition => joined('and', items)
const or = (items: readonly Condition[]): Condition => joined('or', items)
const not = (item: Condition): Condition => ({ kind: 'not', item })
function joined(kind: 'and' | 'or', items: readonly Condition[]): Condition {
  if (items.length === 0) return { kind: 'const', value: kind === 'and' }
  return items.length === 1 ? items[0]! : { kind, items }
}

const test = (def: Field, op: Operator, values: readonly (string | number | boolean)[]): Condition => ({
  kind: 'test',
  left: { kind: 'field', def, arg: undefined, extractor: def.bind(undefined), span: NOWHERE },
  op,
  modifier: undefined,
  right: values.map((value) => ({ text: String(value), value })),
  span: NOWHERE,
})

const shared = (name: string): Field => SYSCALL_FIELDS.get(name)!

/** One of the values; of none of them, also where there is no value at all. */
const among = (def: Field, negated: boolean, values: readonly (string | number)[]): Condition => {
  const found = test(def, 'in', values)
  return negated ? not(found) : found
}

const field = (
  name: string,
  type: Field['type'],
  doc: string,
  get: (ctx: SyscallContext) => Str | number | boolean | undefined,
): Field => defineField<SyscallContext>({ name, type, cost: 'state', doc, get })

/** A call that makes tasks may have made a thread. */
const MADE_PROCESS = field(
  'trace.made_process',
  'bool',
  'a process was made',
  ({ event }) => event.number('child_pid') !== 0,
)

const OF_32_BITS = field(
  'trace.compat',
  'bool',
  'made by the entry points of 32-bit programs',
  ({ event }) => (event.flags & RECORD_FLAGS.COMPAT) !== 0,
)

/** What a filter asks of processes, beside what rules ask as well. */
function scopeFields(session: { readonly began: number }, kinship: Kinship) {
  return {
    pid: shared('proc.pid'),
    uid: shared('user.uid'),
    comm: shared('proc.name'),
    mntns: field('trace.mntns', 'int', 'mount namespace', ({ process }) => process?.mntns),
    pidns: field('trace.pidns', 'int', 'pid namespace', ({ process }) => process?.pidns),
    uts: field(
      'trace.uts',
      'string',
      'name of the host',
      ({ process, lookup }) => process?.uts ?? lookup.intern(lookup.hostname),
    ),
    newProcess: field(
      'trace.new_pid',
      'bool',
      'began after the trace',
      ({ event }) => event.start > session.began,
    ),
    newContainer: field(
      'trace.new_container',
      'bool',
      'first process of the pid namespace of the container began after the trace',
      ({ process }) => process?.container !== undefined && (process.image?.pidnsStart ?? 0) > session.began,
    ),
    container: field(
      'trace.container',
      'bool',
      'in a container',
      ({ process }) => process?.container !== undefined,
    ),
    containerId: field('trace.container_id', 'string', 'id of the container', ({ process, lookup }) =>
      process?.container === undefined ? undefined : lookup.intern(process.container.fullId),
    ),
    tree: field('trace.tree', 'bool', 'descends from a listed process', (ctx) => kinship.inTree(ctx)),
    followed: field('trace.followed', 'bool', 'matched, or descends from who did', (ctx) =>
      kinship.isFollowed(ctx),
    ),
  } as const satisfies Record<string, Field>
}
type ScopeFields = ReturnType<typeof scopeFields>

/** Longest name of a task in bytes, without the final NUL. */
const COMM_MAX = 15
/** A name as the kernel keeps it; a character may be cut. */
const asComm = (text: string): string => decodeBytes(Buffer.from(text).subarray(0, COMM_MAX))

/** What processes must be like. Values of one name with `=` are alternatives, everything else is a condition of its own. */
function scopeOf(clauses: readonly Clause[], fields: ScopeFields): readonly Condition[] {
  const conditions: Condition[] = []
  for (const scope of NUMBER_SCOPES) {
    const of = clauses.flatMap((clause) =>
      clause.kind === 'number' && clause.scope === scope ? [clause] : [],
    )
    const equal = of.flatMap(({ op, values }) => (op === '=' ? values : []))
    if (equal.length > 0) conditions.push(among(fields[scope], false, equal))
    for (const { op, values } of of) {
      if (op === '!=') conditions.push(among(fields[scope], true, values))
      if (op === '<' || op === '>') conditions.push(test(fields[scope], op, values))
    }
  }
  for (const scope of ['comm', 'uts'] as const) {
    const of = clauses.flatMap((clause) => (clause.kind === 'text' && clause.scope === scope ? [clause] : []))
    const equal = of.flatMap((clause) => (clause.not ? [] : clause.values))
    const cut = (texts: readonly string[]): readonly string[] =>
      scope === 'comm' ? texts.map(asComm) : texts
    if (equal.length > 0) conditions.push(among(fields[scope], false, cut(equal)))
    for (const clause of of) if (clause.not) conditions.push(among(fields[scope], true, cut(clause.values)))
  }
  if (clauses.some(({ kind }) => kind === 'tree')) conditions.push(test(fields.tree, '=', [true]))
  return [...conditions, ...containerScope(clauses, fields)]
}

function containerScope(clauses: readonly Clause[], fields: ScopeFields): readonly Condition[] {
  const conditions: Condition[] = []
  const ids: string[] = []
  const begins = (list: readonly string[]): Condition =>
    or(list.map((id) => test(fields.containerId, 'startswith', [id])))
  for (const clause of clauses) {
    if (clause.kind === 'in-container') conditions.push(test(fields.container, '=', [!clause.not]))
    if (clause.kind === 'new') {
      const def = clause.scope === 'pid' ? fields.newProcess : fields.newContainer
      conditions.push(test(def, '=', [!clause.not]))
    }
    if (clause.kind === 'container' && !clause.not) ids.push(...clause.ids)
    if (clause.kind === 'container' && clause.not) conditions.push(not(begins(clause.ids)))
  }
  return ids.length > 0 ? [...conditions, begins(ids)] : conditions
}

/** What is asked of the arguments and the result of an event. */
function conditionsOf(event: TraceEvent, clauses: readonly Clause[]): readonly Condition[] {
  const conditions: Condition[] = []
  const equal = new Map<string, Condition[]>()
  const alternatives = (name: string, condition: Condition): void => {
    equal.set(name, [...(equal.get(name) ?? []), condition])
  }
  for (const clause of clauses) {
    if (clause.kind === 'retval' && eventOf(clause) === event) {
      const def = resultField(event)
      if (clause.op === '=') alternatives('retval', among(def, false, clause.values))
      else if (clause.op === '!=') conditions.push(among(def, true, clause.values))
      else conditions.push(test(def, clause.op, clause.values))
    }
    if (clause.kind === 'argument' && eventOf(clause) === event) {
      const argument = argumentOf(clause, event)
      const condition = or(clause.values.map((value) => valueTest(event, argument, value)))
      if (clause.not) conditions.push(not(condition))
      else alternatives(argument.name, condition)
    }
  }
  return [...conditions, ...[...equal.values()].map(or)]
}

/** What is told of calls that worked has the result 0, whatever they returned. */
const resultField = (event: TraceEvent): Field => (event.succeeded ? NO_RESULT : shared('evt.rawres'))
const NO_RESULT: Field = field('trace.no_result', 'int', 'result of what is no call', () => 0)

function argumentOf(clause: Clause & { readonly kind: 'argument' }, event: TraceEvent): TraceArgument {
  const name = clause.argument.text
  const found = event.args.find((argument) => argument.name === name)
  if (found !== undefined) return found
  const names = event.args.map((argument) => argument.name)
  throw new FilterError(
    clause.expression,
    `invalid argument filter argument name: ${name}`,
    clause.argument,
    didYouMean(name, names) ??
      (names.length === 0
        ? `${event.name} has no arguments`
        : `arguments of ${event.name}: ${names.join(', ')}`),
  )
}

/** A value, or with a final `*` the beginning of one. */
function valueTest(event: TraceEvent, argument: TraceArgument, value: string): Condition {
  const begins = value.endsWith('*')
  const op = begins ? 'startswith' : '='
  const literal = begins ? value.slice(0, -1) : value
  const own = test(argumentField(event, argument), op, [literal])
  const role = argument.path === undefined || !literal.startsWith('/') ? undefined : roleOf(event, argument)
  if (role === undefined) return own
  // The kernel knows the paths of calls that worked by these names, and can pass over what has others.
  return or([test(shared(role), op, [literal]), and([test(shared('evt.failed'), '=', [true]), own])])
}

/** Fields of rules that hold the path arguments of calls, by family. */
const ROLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  open: { name: 'fs.path.name' },
  truncate: { name: 'fs.path.name' },
  unlink: { name: 'fs.path.name' },
  chmod: { filename: 'fs.path.name' },
  rename: { oldpath: 'fs.path.source', newpath: 'fs.path.target' },
  link: { oldpath: 'fs.path.target', newpath: 'fs.path.source' },
  symlink: { linkpath: 'fs.path.source' },
}
const roleOf = (event: TraceEvent, { path }: TraceArgument): string | undefined =>
  path?.name === undefined ? undefined : ROLES[event.family]?.[path.name]

/**
 * An argument as a field: a number has its words beside it, a list its elements, an address its members. An absolute path
 * is compared with its spellings, as accessed and as the kernel knows it, anything else with the text as given.
 */
const argumentField = (event: TraceEvent, argument: TraceArgument): Field =>
  defineField<SyscallContext>({
    name: `${event.name}.${argument.name}`,
    type: 'string',
    cost: 'derived',
    doc: argument.doc,
    get: (ctx) => {
      const value = argument.value(ctx)
      return value === undefined ? undefined : ctx.lookup.intern(valueText(value))
    },
    candidates: (ctx) => {
      const value = argument.value(ctx)
      if (value === undefined) return []
      const texts = [valueText(value), ...partsOf(value)]
      const words = argument.words?.(ctx)
      if (words !== undefined) texts.push(...(typeof words === 'string' ? [words] : Object.values(words)))
      const spelled = argument.path === undefined ? [] : spellingsOf(ctx, pathOf(ctx, argument.path))
      return [...new Set([...texts.map((text) => ctx.lookup.intern(text)), ...spelled])]
    },
  })

/** As Go prints it. */
export function valueText(value: ArgumentValue): string {
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.join(' ')}]`
  const members = Object.entries(value as Readonly<Record<string, string | number | bigint>>).sort(
    ([a], [b]) => (a < b ? -1 : 1),
  )
  return `map[${members.map(([name, text]) => `${name}:${text}`).join(' ')}]`
}

const partsOf = (value: ArgumentValue): readonly string[] =>
  typeof value === 'object' ? Object.values(value).map(String) : []
