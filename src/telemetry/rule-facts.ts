/** What rand-guard records say about a rule, for rules of any language. */
import type { CompiledRule, Priority, RuleMeta } from '../rules/ir.ts'

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const satisfies RuleMeta['severity'][]
export type Severity = RuleMeta['severity']
export const RULE_TYPES = ['process', 'file', 'network'] as const satisfies RuleMeta['ruleType'][]
export type RuleType = RuleMeta['ruleType']

const SEVERITY_OF: Readonly<Record<Priority, Severity>> = {
  Emergency: 'critical',
  Alert: 'critical',
  Critical: 'critical',
  Error: 'high',
  Warning: 'medium',
  Notice: 'low',
  Informational: 'low',
  Debug: 'low',
}

type Rule = Pick<CompiledRule, 'name' | 'priority' | 'meta'>

/** Id of the rule: a rule that has none goes by its name. */
export const ruleId = ({ name, meta }: Rule): string => meta?.id ?? name
/** As its author wrote it. */
export const ruleName = ({ name, meta }: Rule): string => meta?.name ?? name
export const severityOf = ({ priority, meta }: Omit<Rule, 'name'>): Severity =>
  meta?.severity ?? SEVERITY_OF[priority]
/** A detection marks the record of its event instead of raising an alert. */
export const isDetection = ({ meta }: Rule): boolean => meta?.detectionType !== undefined
/** What `detection_type` says. */
export const detectionName = (rule: Rule): string => rule.meta?.detectionType ?? ruleName(rule)
/** What the rule is about: its own word, or the kind of the event it matched. */
export const ruleType = ({ meta }: Rule, kind: RuleType): RuleType => meta?.ruleType ?? kind
