/** One key of falco.yaml that is not ours: checked, turned into a setting of ours, or reported as not served. */
import type { Diagnostic, Span } from '../../rules/diagnostics.ts'
import type { Setting } from '../effective.ts'
import type { KeyValue } from '../key-types.ts'
import { ConfigError } from '../keys.ts'
import { type ErrorSink, type Placed, settingAt } from '../setting-at.ts'
import { parseValue } from '../values.ts'
import { FALCO_KEYS, type FalcoKey, SWITCHED } from './keys.ts'

export const falcoKey = (name: string): FalcoKey | undefined =>
  Object.hasOwn(FALCO_KEYS, name) ? FALCO_KEYS[name] : undefined

/** The setting it stands for; undefined when it is none, or cannot be taken, which has been reported then. */
export function readFalcoKey(
  name: string,
  { decl, fine, sets }: FalcoKey,
  value: Placed,
  problems: ErrorSink & { readonly warnings: Diagnostic[] },
): Setting | undefined {
  if (sets !== undefined) {
    const setting = settingAt({ name, decl, key: sets.key }, value, problems)
    return setting && { ...setting, value: sets.convert(setting.value) }
  }
  let parsed: KeyValue
  try {
    parsed = parseValue(name, decl, value.written)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.error(error.message, value.span, error.hint)
    return undefined
  }
  const isFine = fine === 'all' || fine.some((one) => JSON.stringify(one) === JSON.stringify(parsed))
  if (!isFine) problems.warnings.push(notServed(reportedName(name), decl.doc, value.span))
  return undefined
}

/** A group that is switched on is reported by its own name. */
function reportedName(name: string): string {
  const group = name.replace(/\.enabled$/, '')
  return SWITCHED.has(group) ? group : name
}

/** The name of the key is the first word of the message. */
const notServed = (name: string, instead: string, span: Span): Diagnostic => ({
  severity: 'warning',
  code: 'CONFIG_NOT_SERVED',
  message: `${name} is not served: ${instead}`,
  span,
  context: [],
})

/** The key a warning is about, when it is about one that is not served. */
const unservedName = ({ code, message }: Diagnostic): string | undefined =>
  code === 'CONFIG_NOT_SERVED' ? message.slice(0, message.indexOf(' ')) : undefined

/** Warnings of a configuration as lines of a log: what is not served in one of them, by name. */
export function warningLines(warnings: readonly Diagnostic[]): readonly string[] {
  const names = new Set(warnings.flatMap((warning) => unservedName(warning) ?? []))
  const lines = warnings
    .filter((warning) => unservedName(warning) === undefined)
    .map(({ message, span }) => `${span.file}:${span.line}: ${message}`)
  if (names.size === 0) return lines
  return [
    ...lines,
    `not served: ${[...names].join(', ')} ('tarsier config check FILE' says what stands in their place)`,
  ]
}
