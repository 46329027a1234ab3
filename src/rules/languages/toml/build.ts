/** From a definition to a compiled rule: its condition as a tree over our fields, its message as a format. */
import { cleanPath } from '../../../fields/paths.ts'
import { inferEvents } from '../../condition/events.ts'
import { parseLiteral } from '../../condition/literals.ts'
import { operatorTypeOf } from '../../condition/types.ts'
import type { Span } from '../../diagnostics.ts'
import type {
  CompiledRule,
  Expr,
  FieldRef,
  FormatPart,
  ListModifier,
  Operator,
  Priority,
  RuleMeta,
} from '../../ir.ts'
import type { LoadEnv, SourceEnv } from '../language.ts'
import { commOf, type Definition } from './definitions.ts'
import { DIRECTIONS, OPERATIONS, type OperationFamily } from './operations.ts'

/** Severities on Falco's scale. */
const PRIORITY: Readonly<Record<RuleMeta['severity'], Priority>> = {
  critical: 'Critical',
  high: 'Error',
  medium: 'Warning',
  low: 'Notice',
}

/** The rule of a definition; `name` is what tells it from all others. */
export function buildRule(definition: Definition, name: string, env: LoadEnv): CompiledRule {
  const source = env.sources.get('syscall')!
  const builder = new Builder(source, definition.span, env.spellings ?? (() => []))
  const condition = builder.condition(definition)
  const { meta, desc, tags, span } = definition
  return {
    name,
    source: 'syscall',
    desc,
    priority: PRIORITY[meta.severity],
    tags: [...tags].sort(),
    condition,
    events: inferEvents(condition, source.events),
    format: builder.format(definition),
    meta,
    span,
  }
}

const NEVER: Expr = { kind: 'const', value: false }

const allOf = (items: readonly Expr[]): Expr => (items.length === 1 ? items[0]! : { kind: 'and', items })
const anyOf = (items: readonly Expr[]): Expr =>
  items.length === 0 ? NEVER : items.length === 1 ? items[0]! : { kind: 'or', items }

class Builder {
  readonly #source: SourceEnv
  readonly #span: Span
  readonly #spellings: (path: string) => readonly string[]

  constructor(source: SourceEnv, span: Span, spellings: (path: string) => readonly string[]) {
    this.#source = source
    this.#span = span
    this.#spellings = spellings
  }

  condition(definition: Definition): Expr {
    switch (definition.meta.ruleType) {
      case 'process':
        return this.#process(definition)
      case 'file':
        return this.#file(definition)
      case 'network':
        return this.#network(definition)
      default:
        return definition.meta.ruleType satisfies never
    }
  }

  /** Judged when a program is started, with the parent there is then: at fork the child still has its parent's name. */
  #process({ processNames, parentNames }: Definition): Expr {
    return allOf([
      this.#test('evt.type', 'in', ['execve', 'execveat']),
      this.#test('evt.failed', '=', ['false']),
      ...this.#names(['proc.name', 'proc.exepath'], processNames),
      ...this.#names(['proc.pname', 'proc.pexepath'], parentNames),
    ])
  }

  #file(definition: Definition): Expr {
    const { operations, paths, patterns } = definition
    if (paths.length === 0 && patterns.length === 0) return NEVER
    return anyOf(
      operations.flatMap((operation) => {
        const { parts, doneOnly }: OperationFamily = OPERATIONS[operation]
        return parts.map((part) =>
          allOf([
            this.#test('evt.type', 'in', part.events),
            ...(doneOnly ? [this.#test('evt.failed', '=', ['false'])] : []),
            anyOf(part.paths.map((field) => this.#path(field, definition))),
          ]),
        )
      }),
    )
  }

  #path(field: string, { paths, patterns, patternMode }: Definition): Expr {
    const terms: Expr[] = []
    if (paths.length > 0) terms.push(this.#test(field, 'pmatch', this.#prefixes(paths)))
    if (patterns.length > 0)
      terms.push(anyOf(patterns.map((pattern) => this.#pattern(field, pattern, patternMode))))
    return allOf(terms)
  }

  /** Paths by whole components and in every spelling; a final slash leaves out the directory itself. */
  #prefixes(paths: readonly string[]): readonly string[] {
    const all = paths.flatMap((path) => {
      const plain = cleanPath(path)
      const below = path.endsWith('/') ? '/*' : ''
      return [plain, ...this.#spellings(plain)].map(
        (spelling) => `${spelling === '/' ? '' : escapeGlob(spelling)}${below}` || '/',
      )
    })
    return [...new Set(all)]
  }

  #pattern(field: string, pattern: string, mode: Definition['patternMode']): Expr {
    if (/^\*\.[^*]*$/.test(pattern)) return this.#test(field, 'endswith', [pattern.slice(1)])
    if (/[*?]/.test(pattern))
      return this.#test(field, 'glob', [/^[*/]/.test(pattern) ? pattern : `*/${pattern}`])
    if (mode === 'piece') return this.#test(field, 'contains', [pattern])
    return pattern.startsWith('/')
      ? this.#test(field, '=', [pattern])
      : this.#test(field, 'endswith', [`/${pattern}`])
  }

  #network({ directions, ports, processNames }: Definition): Expr {
    return anyOf(
      directions.map((direction) => {
        const { events, port } = DIRECTIONS[direction]
        return allOf([
          this.#test('evt.type', 'in', events),
          this.#test(port, 'in', ports.map(String)),
          ...this.#names(['proc.name', 'proc.exepath'], processNames),
        ])
      }),
    )
  }

  /** By the name a process has, or the file it runs: it cannot hide from both by renaming itself. */
  #names([name, exe]: readonly [string, string], names: readonly string[]): readonly Expr[] {
    if (names.length === 0) return []
    const files = names.filter((one) => !one.includes('/')).map((one) => `/${one}`)
    const byFile = files.length === 0 ? [] : [this.#test(exe, 'endswith', files, 'anyof')]
    return [anyOf([this.#test(name, 'in', names.map(commOf)), ...byFile])]
  }

  #test(field: string, op: Operator, texts: readonly string[], modifier?: ListModifier): Expr {
    const left = this.#field(field)
    const type = operatorTypeOf(left.def)
    const right = texts.map((text) =>
      parseLiteral({ kind: 'value', form: 'text', text, from: 0, to: 0 }, op, type),
    )
    return { kind: 'test', left, op, modifier, right, span: this.#span }
  }

  #field(name: string): FieldRef {
    const def = this.#source.fields.get(name)
    if (def === undefined) throw new RangeError(`there is no field ${name}`)
    return { kind: 'field', def, arg: undefined, extractor: def.bind(undefined), span: this.#span }
  }

  /** `name (event=... process=... ...)`. */
  format(definition: Definition): readonly FormatPart[] {
    const parts: FormatPart[] = [{ kind: 'text', text: `${definition.meta.name} (` }]
    for (const [i, [label, field]] of printed(definition).entries())
      parts.push(
        { kind: 'text', text: `${i === 0 ? '' : ' '}${label}=` },
        { kind: 'value', key: field, operand: this.#field(field), width: undefined },
      )
    return [...parts, { kind: 'text', text: ')' }]
  }
}

/** A path is no glob: what would make it one is taken as it stands. */
const escapeGlob = (path: string): string => path.replace(/[*?[\\]/g, '\\$&')

function printed({ meta, operations, directions }: Definition): readonly (readonly [string, string])[] {
  const who = [
    ['event', 'evt.type'],
    ['process', 'proc.name'],
    ['pid', 'proc.pid'],
    ['exe', 'proc.exepath'],
    ['parent', 'proc.pname'],
    ['user', 'user.uid'],
  ] as const
  if (meta.ruleType === 'process') return [...who, ['command', 'proc.cmdline']]
  if (meta.ruleType === 'network') {
    const remote = [['address', 'fd.rip'] as const, ['port', 'fd.rport'] as const]
    const local = [['local_address', 'fd.lip'] as const, ['local_port', 'fd.lport'] as const]
    return [
      ...who,
      ...(directions.includes('outbound') ? remote : []),
      ...(directions.includes('inbound') ? local : []),
    ]
  }
  const fields = new Set(
    operations.flatMap((name) => (OPERATIONS[name] as OperationFamily).parts.flatMap(({ paths }) => paths)),
  )
  return [...who, ...[...fields].map((field) => [PATH_LABELS[field] ?? 'path', field] as const)]
}

const PATH_LABELS: Readonly<Record<string, string>> = {
  'fd.name': 'file',
  'fs.path.name': 'path',
  'fs.path.source': 'source',
  'fs.path.target': 'target',
}
