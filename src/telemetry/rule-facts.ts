/** What rand-guard records say about a rule, for rules of any language. */
import type { SyscallContext } from '../fields/context.ts'
import type { CompiledRule, Priority } from '../rules/ir.ts'

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]
export const RULE_TYPES = ['process', 'file', 'network'] as const
export type RuleType = (typeof RULE_TYPES)[number]

const SEVERITY_OF: Readonly<Record<Priority, Severity>> = {
  Emergency: 'critical',
  Alert: 'critical',
  Critical: 'critical',
  Error: 'high',
  Warning: 'medium',
  Notice: 'medium',
  Informational: 'low',
  Debug: 'low',
}

type Rule = CompiledRule<SyscallContext>

/** Rules of a rand-guard configuration bring their own words; see `CompiledRule.randGuard`. */
interface RandGuardRule {
  readonly randGuard?: {
    readonly id?: string
    readonly severity?: Severity
    readonly type?: RuleType
    /** True: a detection, which annotates the event. */
    readonly detection?: boolean
    /** Name in `detection_type`. */
    readonly name?: string
  }
}
const own = (rule: Rule): NonNullable<RandGuardRule['randGuard']> => (rule as RandGuardRule).randGuard ?? {}

/** Id of the rule: a rule that has none goes by its name. */
export const ruleId = (rule: Rule): string => own(rule).id ?? rule.name
export const severityOf = (rule: Rule): Severity => own(rule).severity ?? SEVERITY_OF[rule.priority]
export const isDetection = (rule: Rule): boolean => own(rule).detection === true
export const detectionName = (rule: Rule): string => own(rule).name ?? rule.name
/** What the rule is about: its own word, or the kind of the event it matched. */
export const ruleType = (rule: Rule, kind: RuleType): RuleType => own(rule).type ?? kind
