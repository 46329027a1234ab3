/** How the stages of loading say what is wrong: errors end the file, warnings are collected. */
import type { ConditionErrorReason } from '../../condition/error.ts'
import type { Diagnostic, ErrorCode, Span, WarningCode } from '../../diagnostics.ts'
import { brief } from '../../render-diagnostics.ts'

export type Context = Diagnostic['context']

/** An error in a rule file: loading of the file stops here, as in Falco. */
export class RuleError extends Error {
  override readonly name = 'RuleError'
  readonly diagnostic: Diagnostic
  /** For errors in conditions and outputs: what kind. */
  readonly reason: ConditionErrorReason | undefined
  constructor(
    code: ErrorCode,
    message: string,
    span: Span,
    context: Context,
    hint?: string,
    reason?: ConditionErrorReason,
  ) {
    super(message)
    this.reason = reason
    this.diagnostic = {
      severity: 'error',
      code,
      message: brief(message),
      span,
      context,
      ...(hint === undefined ? {} : { hint }),
    }
  }
}

/** Receives warnings. A hint that takes work is worked out only for warnings that are kept. */
export type Warn = (
  code: WarningCode,
  message: string,
  span: Span,
  context: Context,
  hint?: string | (() => string | undefined),
) => void

/** Warnings beyond this many in one file are counted, not kept: a hostile file could raise millions. */
const MAX_WARNINGS = 1000

/** Collects the warnings of one file; those already reported for an earlier file are not repeated. */
export function warningLog(reported: Set<string>): { readonly warn: Warn; list(): readonly Diagnostic[] } {
  const warnings: Diagnostic[] = []
  let more = 0
  const warn: Warn = (code, text, span, context, hint) => {
    const message = brief(text)
    const key = `${code} ${span.file}:${span.from} ${message}`
    if (reported.has(key)) return
    if (warnings.length >= MAX_WARNINGS) {
      more++
      return
    }
    reported.add(key)
    const said = typeof hint === 'function' ? hint() : hint
    warnings.push({
      severity: 'warning',
      code,
      message,
      span,
      context,
      ...(said === undefined ? {} : { hint: said }),
    })
  }
  const list = (): readonly Diagnostic[] => {
    const last = warnings.at(-1)
    if (!last || more === 0) return warnings
    return [...warnings, { ...last, message: `${more} more warnings are not shown` }]
  }
  return { warn, list }
}

/** The chain of what a place lies in, one level deeper. */
export const within = (context: Context, itemType: string, itemName: string, span: Span): Context => [
  ...context,
  { itemType, itemName: brief(itemName, 200), span },
]
