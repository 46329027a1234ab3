/** What a Falco rule file says, item by item, before anything is looked up: the reader makes these, the collector keeps them. */
import type { Span } from '../../diagnostics.ts'
import type { Priority } from '../../ir.ts'
import type { MappedText } from '../../passes/mapped-text.ts'
import type { Context } from './report.ts'
import type { ThresholdItem } from './threshold.ts'
import type { Version } from './version.ts'

/** Where an item or a part of one was written. */
export interface Place {
  readonly span: Span
  readonly context: Context
}

/** A name with its place. */
export interface Named extends Place {
  readonly name: string
}

/** A scalar, or a list of them (nested once in exception values). */
export type Entry = MappedText | readonly Entry[]
export const isListEntry = (entry: Entry): entry is readonly Entry[] => Array.isArray(entry)

/** An exception as written: what is missing was not written. */
export interface ExceptionItem extends Named {
  readonly fields?: Entry
  readonly comps?: Entry
  readonly values: readonly Entry[]
}

/** The parts of a rule that may be written; which must be depends on the kind of item. */
export interface RuleParts {
  readonly condition?: MappedText
  readonly output?: MappedText
  readonly desc?: string
  readonly priority?: Priority
  readonly tags?: readonly string[]
  readonly enabled?: boolean
  readonly capture?: boolean
  readonly captureDuration?: number
  readonly warnEvttypes?: boolean
  readonly skipIfUnknownFilter?: boolean
  readonly exceptions?: readonly ExceptionItem[]
  readonly threshold?: ThresholdItem
}

export interface PluginRequirement extends Place {
  readonly alternatives: readonly { readonly name: string; readonly version: Version }[]
}

export type Item =
  | ({ readonly kind: 'engine'; readonly version: Version } & Place)
  | ({ readonly kind: 'plugins'; readonly requirements: readonly PluginRequirement[] } & Place)
  | ({
      readonly kind: 'list'
      readonly mode: 'define' | 'append' | 'replace'
      readonly items: readonly MappedText[]
    } & Named)
  | ({
      readonly kind: 'macro'
      readonly mode: 'define' | 'append' | 'replace'
      readonly condition: MappedText
    } & Named)
  | ({
      readonly kind: 'rule'
      readonly source: string
      /** Written, not defaulted: only then is another source in an earlier definition an error. */
      readonly sourceSpan: Span | undefined
      readonly parts: RuleParts & Required<Pick<RuleParts, 'condition' | 'output' | 'desc' | 'priority'>>
    } & Named)
  | ({ readonly kind: 'rule-override'; readonly append: RuleParts; readonly replace: RuleParts } & Named)
  | ({ readonly kind: 'rule-enabled'; readonly enabled: boolean } & Named)
