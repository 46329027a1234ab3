/** What rule files define, beyond what evaluation needs: for `describe` and the listings of Falco's `-L` and `-l`. */
import type { EventSet } from './ir.ts'

/** What is known of every definition that has a condition. Names are sorted. */
export interface ConditionParts {
  /** Macros and lists that the text names itself, not those within them. */
  readonly macros: readonly string[]
  readonly lists: readonly string[]
  /** Of the condition with its macros: operators as written, fields with their arguments. */
  readonly operators: readonly string[]
  readonly fields: readonly string[]
  readonly events: EventSet
  /** Canonical text with macros and lists put in. */
  readonly compiled: string
}

export interface ExceptionDescription {
  readonly name: string
  readonly fields: readonly string[]
  readonly operators: readonly string[]
}

export interface RuleDescription {
  readonly name: string
  readonly source: string
  readonly desc: string
  readonly priority: string
  readonly tags: readonly string[]
  readonly enabled: boolean
  readonly file: string
  readonly line: number
  /** As written, appended parts joined. A language that is not text has the canonical form only. */
  readonly condition: string
  readonly output: string
  readonly exceptions: readonly ExceptionDescription[]
  readonly outputFields: readonly string[]
  readonly parts: ConditionParts
}

export interface MacroDescription {
  readonly name: string
  readonly condition: string
  readonly used: boolean
  readonly parts: ConditionParts
}

export interface ListDescription {
  readonly name: string
  readonly items: readonly string[]
  /** With lists within it put in. */
  readonly compiled: readonly string[]
  readonly lists: readonly string[]
  readonly used: boolean
}

export interface PluginDescription {
  readonly name: string
  readonly version: string
  readonly alternatives: readonly { readonly name: string; readonly version: string }[]
}

export interface Description {
  /** The newest engine version that a file asks for. */
  readonly engineVersion: string | undefined
  readonly plugins: readonly PluginDescription[]
  readonly rules: readonly RuleDescription[]
  readonly macros: readonly MacroDescription[]
  readonly lists: readonly ListDescription[]
}

export const NOTHING_DESCRIBED: Description = {
  engineVersion: undefined,
  plugins: [],
  rules: [],
  macros: [],
  lists: [],
}
