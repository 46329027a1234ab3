/**
 * The one typed expression tree that every rule language compiles to. Nodes are immutable. Macros, lists and
 * exceptions are gone by now; fields are bound, operators checked, literals parsed.
 */
import type { Extractor, FieldDef, Value } from '../fields/field.ts'
import type { IpNet } from '../fields/ip.ts'
import type { Span } from './diagnostics.ts'

/** Operators after spelling is normalised (`==` is `=`). */
export type Operator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'contains'
  | 'icontains'
  | 'bcontains'
  | 'startswith'
  | 'bstartswith'
  | 'endswith'
  | 'glob'
  | 'iglob'
  | 'regex'
  | 'pmatch'
  | 'in'
  | 'intersects'
  | 'exists'

/** `oneof`, `anyof`, `allof` on string operators with a list. */
export type ListModifier = 'oneof' | 'anyof' | 'allof'

/** A parsed right-hand value. Text is kept so that canonical printing gives back what was written. */
export interface Literal {
  readonly text: string
  /** The value in the type of the left-hand side; a string literal stays a JS string. */
  readonly value: Exclude<Value, object> | string | import('../fields/ip.ts').Ip | IpNet
}

/** A field with its argument, bound. */
export interface FieldRef<C = unknown> {
  readonly kind: 'field'
  readonly def: FieldDef<C>
  readonly arg: string | undefined
  readonly extractor: Extractor<C>
  readonly span: Span
}

/** A transformer call such as `tolower(proc.name)`. */
export interface Transform<C = unknown> {
  readonly kind: 'transform'
  readonly name: string
  readonly args: readonly (Operand<C> | Literal | readonly (Operand<C> | Literal)[])[]
  readonly arg: string | undefined
  readonly span: Span
}

export type Operand<C = unknown> = FieldRef<C> | Transform<C>

export interface Test<C = unknown> {
  readonly kind: 'test'
  readonly left: Operand<C>
  readonly op: Operator
  readonly modifier: ListModifier | undefined
  /** Literals, or another operand (`val(field)`), or nothing for `exists`. */
  readonly right: readonly Literal[] | Operand<C>
  readonly span: Span
}

export type Expr<C = unknown> =
  | { readonly kind: 'and' | 'or'; readonly items: readonly Expr<C>[] }
  | { readonly kind: 'not'; readonly item: Expr<C> }
  | { readonly kind: 'const'; readonly value: boolean }
  | Test<C>

/** Event types an expression can be true for; `*` is "not restricted". */
export type EventSet = ReadonlySet<string> | '*'

/** Falco's priorities, most severe first; the index is the number in metrics. */
export const PRIORITIES = [
  'Emergency',
  'Alert',
  'Critical',
  'Error',
  'Warning',
  'Notice',
  'Informational',
  'Debug',
] as const
export type Priority = (typeof PRIORITIES)[number]

/** A piece of an output format: literal text or something to print. */
export type FormatPart<C = unknown> =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'value'
      /** As written, without `%`: the key in `output_fields`. */
      readonly key: string
      readonly operand: Operand<C>
      /** Pad or cut to this many bytes. */
      readonly width: number | undefined
    }

/** A value of an alert that its text does not have: of a field, or what a format prints. */
export interface ExtraField<C = unknown> {
  /** Its name among the values. */
  readonly key: string
  readonly format: FieldRef<C> | readonly FormatPart<C>[]
}

/** What a rule of rand-guard says beyond its condition; the rand-guard output format prints it. */
export interface RuleMeta {
  /** Of a rule: what was written. A detection has none. */
  readonly id?: string
  /** As written: `name` of the compiled rule is made unique. */
  readonly name: string
  readonly severity: 'low' | 'medium' | 'high' | 'critical'
  readonly action: 'alert'
  readonly ruleType: 'process' | 'file' | 'network'
  /** A detection marks the record of its event with this instead of raising an alert of its own. */
  readonly detectionType?: string
}

/**
 * A rule that is reported when its matches reach a number within a sliding window, then at most once for each window and
 * key (see detect/threshold.ts).
 */
export interface Threshold<C = unknown> {
  /** Count distinct values of this field; undefined counts matches. */
  readonly distinct: FieldRef<C> | undefined
  readonly atLeast: number
  /** ns */
  readonly windowNs: number
  /** Matches are counted apart for each combination of these; empty counts all together. */
  readonly by: readonly FieldRef<C>[]
}

/** What a rule says of the capture its match begins. */
export interface RuleCapture {
  /** How long it goes on, ns; undefined for as long as is usual. */
  readonly durationNs: number | undefined
}

/** A rule ready to be evaluated. */
export interface CompiledRule<C = unknown> {
  readonly name: string
  readonly source: string
  readonly desc: string
  readonly priority: Priority
  /** Sorted. */
  readonly tags: readonly string[]
  readonly condition: Expr<C>
  readonly events: EventSet
  readonly format: readonly FormatPart<C>[]
  /** Values for the alert beside those of the format. */
  readonly extraFields?: readonly ExtraField<C>[]
  readonly meta?: RuleMeta
  /** Report a series of matches instead of each. */
  readonly threshold?: Threshold<C>
  /** A match begins a capture, where the configuration has them. */
  readonly capture?: RuleCapture
  /** Where it is defined, for `explain`. */
  readonly span: Span
}
