/** `-o KEY=VALUE`: keys of ours and of falco.yaml, whole values and parts of them. */
import { type Diagnostic, DocumentError, type Span } from '../rules/diagnostics.ts'
import { type Node, readYaml } from '../rules/languages/falco/yaml-file.ts'
import { collectProblems } from '../rules/languages/toml/table-reader.ts'
import { mappedText, sourceFile } from '../rules/passes/mapped-text.ts'
import { effective, type Setting } from './effective.ts'
import { StructureError } from './key-types.ts'
import { type Config, ConfigError } from './keys.ts'
import { parsePath, type Step, setAt } from './option-path.ts'
import { structureOf, writtenOf, writtenYaml } from './values.ts'
import { declOf, type Into, keyNamed, type NamedKey, readKey, take } from './yaml.ts'

export interface OptionSettings {
  readonly settings: readonly Setting[]
  readonly warnings: readonly Diagnostic[]
}

/**
 * What one option sets; `before` are the settings so far, of which it may change a part. A value that begins with `{` or
 * `[` is YAML. Throws ConfigError.
 */
function readOption(option: string, before: readonly Setting[]): OptionSettings {
  const equals = option.indexOf('=')
  if (equals < 0) throw new ConfigError(`-o takes KEY=VALUE, not '${option}'`)
  const span: Span = { file: `-o ${option}`, line: 1, column: 1, from: 0, to: 0 }
  const steps = parsePath(option.slice(0, equals).trim())
  const value = valueNode(option.slice(equals + 1).trim(), span)
  const problems = collectProblems({ error: 'CONFIG_ERR_VALIDATE', warning: 'CONFIG_NO_EFFECT' })
  const into: Into = { settings: [], problems, emptyIsAbsent: false }
  const { name, key, rest } = longestKey(steps)
  if (key === undefined || rest.length === 0) readKey(name, span, value, into)
  else takePart(name, key, rest, value, before, into, span)
  const [error] = problems.errors
  if (error !== undefined) throw new ConfigError(error.message, error.hint)
  return {
    settings: into.settings.map((setting) => ({ ...setting, origin: { from: 'option', text: option } })),
    warnings: problems.warnings,
  }
}

/** The longest beginning of a place that names a key, and what is left of it; without one, the place as a name. */
function longestKey(steps: readonly Step[]): {
  readonly name: string
  readonly key: NamedKey | undefined
  readonly rest: readonly Step[]
} {
  const end = steps.findIndex((step) => typeof step === 'number')
  const names = end < 0 ? steps : steps.slice(0, end)
  for (let length = names.length; length > 0; length--) {
    const name = names.slice(0, length).join('.')
    const key = keyNamed(name)
    if (key !== undefined) return { name, key, rest: steps.slice(length) }
  }
  return { name: names.join('.'), key: undefined, rest: steps.slice(names.length) }
}

/** `rules_files[1]=x`: the value so far with one part of it changed. */
function takePart(
  name: string,
  key: NamedKey,
  rest: readonly Step[],
  value: Node,
  before: readonly Setting[],
  into: Into,
  span: Span,
): void {
  const decl = declOf(key)
  if (decl.type !== 'list' && decl.type !== 'structure')
    throw new ConfigError(`${name} has no parts`, `write ${name}=VALUE`)
  const last = 'ours' in key ? before.findLast((setting) => setting.key === key.ours) : undefined
  const base =
    decl.type === 'list'
      ? ((last?.value as readonly string[] | undefined) ?? decl.default)
      : last?.written && structureOf(last.written)
  try {
    const whole = setAt(base, rest, structureOf(writtenYaml(value)))
    take(name, key, { written: writtenOf(whole), span, items: [] }, into)
  } catch (error) {
    if (!(error instanceof StructureError)) throw error
    throw new ConfigError(`${name}${error.path}: ${error.message}`)
  }
}

function valueNode(text: string, span: Span): Node {
  if (!/^[{[]/.test(text))
    return { kind: 'scalar', text, isNull: false, span, mapped: mappedText(text, () => span) }
  try {
    const [node] = readYaml(sourceFile(span.file, text))
    if (node !== undefined) return node
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new ConfigError(`the value '${text.slice(0, 100)}' is not YAML: ${error.message}`, error.hint)
  }
  throw new ConfigError('the value is empty')
}

/** All options in their order, after other settings. */
export function readOptions(options: readonly string[], before: readonly Setting[] = []): OptionSettings {
  const settings: Setting[] = [...before]
  const warnings: Diagnostic[] = []
  for (const option of options) {
    const read = readOption(option, settings)
    settings.push(...read.settings)
    warnings.push(...read.warnings)
  }
  return { settings, warnings }
}

/** Defaults with `KEY=VALUE` overrides. Throws ConfigError for what cannot be taken or does not go together. */
export const configFrom = (overrides: readonly string[]): Config =>
  effective(readOptions(overrides).settings).config
