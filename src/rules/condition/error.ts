/** What is wrong with a condition, as offsets into the text that was given. */

/**
 * `syntax`: the text is not a condition; `macro`: a macro is missing, circular or too large; `unknown-field` and
 * `unknown-event`: a name this source does not have (rules with `skip-if-unknown-filter` are dropped on these);
 * `type`: an operator, operand or argument that does not suit the field; `value`: a literal that is not of the field's type.
 */
export type ConditionErrorReason = 'syntax' | 'macro' | 'unknown-field' | 'unknown-event' | 'type' | 'value'

export class ConditionError extends Error {
  override readonly name = 'ConditionError'
  readonly reason: ConditionErrorReason
  /** UTF-16 offsets; `to` is exclusive and may equal `from` at the end of the text. */
  readonly from: number
  readonly to: number
  readonly hint: string | undefined

  constructor(
    reason: ConditionErrorReason,
    message: string,
    at: { readonly from: number; readonly to: number; readonly macro?: string },
    hint?: string,
  ) {
    super(message)
    this.reason = reason
    this.from = at.from
    this.to = at.to
    // The place is where the macro is used; what is wrong cannot be seen there.
    const inMacro = at.macro === undefined ? undefined : `this comes from macro '${at.macro}'`
    this.hint = [hint, inMacro].filter((part) => part !== undefined).join('; ') || undefined
  }
}
