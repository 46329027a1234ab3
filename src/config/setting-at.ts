/** A setting of a file, or a diagnostic at the exact place of what is wrong with it. */
import type { Span } from '../rules/diagnostics.ts'
import type { Setting } from './effective.ts'
import type { KeyDecl, KeyValue } from './key-types.ts'
import { ConfigError, type KeyName } from './keys.ts'
import { checkItem, parseValue, type Written } from './values.ts'

/** A value as written, with the places of its elements. */
export interface Placed {
  readonly written: Written
  readonly span: Span
  readonly items: readonly Placed[]
}

export interface Wanted {
  /** As the file calls it. */
  readonly name: string
  readonly decl: KeyDecl
  readonly key: KeyName
}

export interface ErrorSink {
  error(message: string, span: Span, hint?: string): void
}

/** Undefined when the value cannot be taken; then that has been reported. */
export function settingAt(
  { name, decl, key }: Wanted,
  { written, span, items }: Placed,
  problems: ErrorSink,
): Setting | undefined {
  if (decl.type === 'list') {
    const bad = items.filter(
      (item) => !succeeds(() => checkItem(name, decl, item.written), item.span, problems),
    )
    if (bad.length > 0) return undefined
  }
  let value: KeyValue = ''
  const taken = succeeds(
    () => {
      value = parseValue(name, decl, written)
    },
    span,
    problems,
  )
  if (!taken) return undefined
  const setting: Setting = { key, value, origin: { from: 'file', span } }
  return decl.type === 'structure' ? { ...setting, written } : setting
}

function succeeds(work: () => void, span: Span, problems: ErrorSink): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.error(error.message, span, error.hint)
    return false
  }
}
