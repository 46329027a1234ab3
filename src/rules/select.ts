/** Switching rules on and off from outside of the rule files, as Falco's `rules:` key and its options do. */
import type { LoadedRule } from './languages/language.ts'
import { fitsWildcard } from './passes/wildcard.ts'

/** One selection: by name, in which `*` stands for any text, or by one tag. */
export interface RuleSelection {
  readonly enabled: boolean
  readonly by: 'name' | 'tag'
  readonly pattern: string
}

/** Selections apply in order, each to all rules it names: the last one that names a rule decides. */
export const applySelections = (
  rules: readonly LoadedRule[],
  selections: readonly RuleSelection[],
): readonly LoadedRule[] =>
  selections.length === 0
    ? rules
    : rules.map(({ rule, enabled }) => ({
        rule,
        enabled: selections.findLast((selection) => names(selection, rule))?.enabled ?? enabled,
      }))

const names = ({ by, pattern }: RuleSelection, rule: LoadedRule['rule']): boolean =>
  by === 'tag' ? rule.tags.includes(pattern) : fitsWildcard(rule.name, pattern)
