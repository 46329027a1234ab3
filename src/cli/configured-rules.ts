/** The rules of a configuration: loaded, reported, and those of them that are to be judged. */
import { appendOutput } from '../config/append-output.ts'
import { ConfigError } from '../config/keys.ts'
import type { LoadedConfig } from '../config/load.ts'
import { isSwitchedOn, ruleEnvironment, ruleInputs } from '../config/rule-inputs.ts'
import type { SyscallContext } from '../fields/context.ts'
import { SOURCES } from '../fields/index.ts'
import { withStaticFields } from '../fields/static.ts'
import { hasTelemetry } from '../outputs/open.ts'
import { type CompiledRule, PRIORITIES } from '../rules/ir.ts'
import { type LoadResult, loadRules } from '../rules/load.ts'
import { fitsWildcard } from '../rules/passes/wildcard.ts'
import { renderFileResult } from '../rules/render-diagnostics.ts'
import { type GlobalOptions, type Io, UserError } from './command.ts'
import { shippedRules } from './package-root.ts'

/** Load what the configuration names, or `given` in its place; nothing is reported. */
export function loadConfigured(loaded: LoadedConfig, given: readonly string[]): LoadResult {
  const { config } = loaded
  const shipped = shippedRules()
  return loadRules(ruleInputs(loaded, given, shipped), {
    sources: withStaticFields(SOURCES, config.static_fields),
    minimumPriority: PRIORITIES.find((priority) => priority.toLowerCase() === config.priority)!,
    selections: config.rules,
    matching: config.rule_matching === 'all' ? 'all' : 'first',
    ...ruleEnvironment(loaded.file?.name, shipped),
  })
}

/** The same, with what is wrong on standard error. Throws UserError when a file is not valid, or there is none. */
export function loadOrReport(
  loaded: LoadedConfig,
  given: readonly string[],
  options: GlobalOptions,
  io: Io,
): LoadResult {
  const result = loadConfigured(loaded, given)
  if (result.files.length === 0)
    throw new UserError(
      `there are no rule files in ${rulePaths(loaded, given).join(', ')}`,
      'their names end in .yaml, .yml or .toml',
    )
  for (const file of result.files) {
    const shown = options.verbose ? file : { ...file, warnings: [] }
    if (file.errors.length > 0 || shown.warnings.length > 0)
      io.stderr.write(renderFileResult(shown, result.sources))
  }
  if (result.files.some(({ successful }) => !successful)) throw new UserError('the rules are not valid')
  return result
}

/** Rule files and directories that were named, in their order. */
export const rulePaths = (loaded: LoadedConfig, given: readonly string[]): readonly string[] =>
  ruleInputs(loaded, given, shippedRules()).map((input) => (typeof input === 'string' ? input : input.path))

/** Entries of the key `rules` that name no rule, in words. */
export const idleSelections = (loaded: LoadedConfig, { rules, disabled }: LoadResult): readonly string[] =>
  loaded.config.rules
    .filter(({ by, pattern }) =>
      by === 'tag'
        ? ![...rules, ...disabled].some(({ tags }) => tags.includes(pattern))
        : ![...rules, ...disabled].some(({ name }) => fitsWildcard(name, pattern)),
    )
    .map(
      ({ enabled, by, pattern }) =>
        `rules: no rule to ${enabled ? 'enable' : 'disable'} has the ${by} '${pattern}'`,
    )

/** Rules of the sources that are on, as the agent judges them. Throws UserError when there is nothing to do. */
export function rulesToJudge(
  { rules }: LoadResult,
  loaded: LoadedConfig,
  isOn: (source: string) => boolean,
): readonly CompiledRule<SyscallContext>[] {
  const { config } = loaded
  const wanted = rules.filter(
    (rule) => rule.source === 'syscall' && isOn(rule.source) && isSwitchedOn(rule, loaded),
  ) as readonly CompiledRule<SyscallContext>[]
  if (wanted.length === 0 && !hasTelemetry(config))
    throw new UserError(
      'no rule is switched on',
      'name rule files with -r, or lower the priority with -o priority=debug',
    )
  try {
    return appendOutput(wanted, config.append_output, withStaticFields(SOURCES, config.static_fields))
  } catch (error) {
    if (error instanceof ConfigError) throw new UserError(error.message, error.hint)
    throw error
  }
}
