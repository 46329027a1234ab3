/** Errors and warnings about rule files: data first, text late. */

/** A piece of a source text. Lines and columns are 1-based; columns count code points. */
export interface Span {
  readonly file: string
  readonly line: number
  readonly column: number
  /** UTF-16 offsets into the file's text. */
  readonly from: number
  readonly to: number
}

export type ErrorCode =
  | 'LOAD_ERR_FILE_READ'
  | 'LOAD_ERR_YAML_PARSE'
  | 'LOAD_ERR_YAML_VALIDATE'
  | 'LOAD_ERR_COMPILE_CONDITION'
  | 'LOAD_ERR_COMPILE_OUTPUT'
  | 'LOAD_ERR_VALIDATE'
  | 'LOAD_ERR_EXTENSION'
  | 'LOAD_ERR_TOML_PARSE'
  | 'LOAD_ERR_TOML_VALIDATE'
  | 'CONFIG_ERR_READ'
  | 'CONFIG_ERR_PARSE'
  | 'CONFIG_ERR_VALIDATE'
export type WarningCode =
  | 'LOAD_UNKNOWN_SOURCE'
  | 'LOAD_UNSAFE_NA_CHECK'
  | 'LOAD_NO_EVTTYPE'
  | 'LOAD_UNKNOWN_FILTER'
  | 'LOAD_UNUSED_MACRO'
  | 'LOAD_UNUSED_LIST'
  | 'LOAD_UNKNOWN_ITEM'
  | 'LOAD_DEPRECATED_ITEM'
  | 'LOAD_WARNING_EXTENSION'
  | 'LOAD_APPEND_NO_VALUES'
  | 'LOAD_EXCEPTION_NAME_NOT_UNIQUE'
  | 'LOAD_INVALID_MACRO_NAME'
  | 'LOAD_INVALID_LIST_NAME'
  | 'LOAD_COMPILE_CONDITION'
  | 'LOAD_UNKNOWN_KEY'
  | 'LOAD_NO_EFFECT'
  | 'HINT_NEVER_TRUE'
  | 'HINT_ALWAYS_TRUE'
  | 'HINT_SHADOWED_RULE'
  | 'HINT_EVENT_TYPE'
  | 'HINT_ABSENT_VALUE'
  | 'HINT_UNQUOTED_ITEM'
  | 'CONFIG_NO_EFFECT'
  | 'CONFIG_NOT_SERVED'

export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  readonly code: ErrorCode | WarningCode
  /** One sentence, no final period, naming the value. */
  readonly message: string
  readonly span: Span
  /** Outermost first: what the span lies in. */
  readonly context: readonly { readonly itemType: string; readonly itemName: string; readonly span: Span }[]
  readonly hint?: string
}

/** A text is not in the language it should be in (YAML, TOML), or is more of it than is accepted: what, where, what would do. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  readonly span: Span
  readonly hint: string | undefined
  constructor(message: string, span: Span, hint?: string) {
    super(message)
    this.span = span
    this.hint = hint
  }
}

/** As something to report; other errors are thrown on. */
export function documentFault(error: unknown, code: ErrorCode): Diagnostic {
  if (!(error instanceof DocumentError)) throw error
  const { message, span, hint } = error
  return { severity: 'error', code, message, span, context: [], ...(hint === undefined ? {} : { hint }) }
}
