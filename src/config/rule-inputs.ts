/** Which rule files a configuration stands for, and what they are compiled against. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { CompiledRule } from '../rules/ir.ts'
import type { LoadEnv, RuleInput } from '../rules/load.ts'
import type { LoadedConfig } from './load.ts'
import { spellingsOf, systemLinks } from './spellings.ts'

/** Directories of the rules that come with the program. */
export interface ShippedRules {
  /** In Falco's language. */
  readonly rules: string
  /** The built-in rules of rand-guard. */
  readonly randGuard: string
}

/**
 * Rule files in the order they are loaded. `given` (from `-r`) stands in the place of everything else. A rand-guard
 * configuration has its built-in rules, its own and those in `rules.d` beside it; any other has `rules_files`, or the
 * shipped rules.
 */
export function ruleInputs(
  loaded: LoadedConfig,
  given: readonly string[],
  shipped: ShippedRules,
): readonly RuleInput[] {
  if (given.length > 0) return given
  const { config, file } = loaded
  const randGuard = loaded.format === 'rand-guard'
  const builtin = config.builtin_rules === 'on' || (config.builtin_rules === 'auto' && randGuard)
  const inputs: RuleInput[] = builtin ? [shipped.randGuard] : []
  if (file !== undefined && loaded.hasRules) inputs.push({ path: file.name, text: file.text })
  inputs.push(...config.rules_files)
  const hasDirectory = randGuard || loaded.format === 'toml'
  if (loaded.rulesDirectory !== undefined && hasDirectory && existsSync(loaded.rulesDirectory))
    inputs.push(loaded.rulesDirectory)
  const own = inputs.length > (builtin ? 1 : 0)
  return own || randGuard ? inputs : [...inputs, shipped.rules]
}

/** What the rule languages have to know of the files and of this machine. */
export function ruleEnvironment(
  configFile: string | undefined,
  shipped: ShippedRules,
): Pick<LoadEnv, 'roleOf' | 'spellings'> {
  const links = systemLinks()
  return {
    roleOf: (file) =>
      file === configFile ? 'config' : dirname(resolve(file)) === shipped.randGuard ? 'shipped' : undefined,
    spellings: (path) => spellingsOf(path, links),
  }
}

/** A rand-guard configuration switches off the rules of what it does not want to see. */
export const isSwitchedOn = (rule: CompiledRule, { ruleTypes }: LoadedConfig): boolean =>
  rule.meta === undefined || ruleTypes === undefined || ruleTypes.includes(rule.meta.ruleType)
