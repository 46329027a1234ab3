/** What reading a configuration file yields, whatever its language. */
import type { Diagnostic } from '../rules/diagnostics.ts'
import type { RuleMeta } from '../rules/ir.ts'
import type { Setting } from './effective.ts'

export type ConfigFormat = 'rand-guard' | 'toml' | 'yaml'

export interface FileSettings {
  /** `rand-guard` when the file has its tables, `toml` when it has our keys only. */
  readonly format: ConfigFormat
  readonly settings: readonly Setting[]
  /** Types of rules that the file switches on with `[events]`; undefined where it does not say. */
  readonly ruleTypes: readonly RuleMeta['ruleType'][] | undefined
  /** There are `[[rules]]` or `[[detections.*]]` in it: it is a rule file as well. */
  readonly hasRules: boolean
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
}
