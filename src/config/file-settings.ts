/** What reading a configuration file yields, whatever its language. */
import type { Diagnostic } from '../rules/diagnostics.ts'
import type { RuleMeta } from '../rules/ir.ts'
import type { SourceFile } from '../rules/passes/mapped-text.ts'
import type { Setting } from './effective.ts'

export type ConfigFormat = 'rand-guard' | 'toml' | 'falco' | 'yaml'

export interface FileSettings {
  /** `rand-guard` when the file has its tables, `falco` when it has Falco's keys, else its language. */
  readonly format: ConfigFormat
  readonly settings: readonly Setting[]
  /** Types of rules that the file switches on with `[events]`; undefined where it does not say. */
  readonly ruleTypes: readonly RuleMeta['ruleType'][] | undefined
  /** There are `[[rules]]` or `[[detections.*]]` in it: it is a rule file as well. */
  readonly hasRules: boolean
  /** Files that were read beside it. */
  readonly included: readonly SourceFile[]
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
}
