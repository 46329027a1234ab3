/** Errors whose message is for the user, with what to do about it; the command line prints them without a stack trace. */

/** Something the user can mend: bad input, missing privilege. `hint` says how. */
export class UserError extends Error {
  override readonly name: string = 'UserError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** The command line itself is wrong. */
export class UsageError extends UserError {
  override readonly name = 'UsageError'
}
