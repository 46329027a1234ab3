/** What a subcommand of `tarsier rules` is, and what several of them need. */
import type { Command } from 'commander'
import { type LoadEnv, type LoadResult, loadRules } from '../../rules/load.ts'
import { renderFileResult } from '../../rules/render-diagnostics.ts'
import { type CliCommand, type ExitCode, type Io, UserError } from '../command.ts'
import { rulesDirectory } from '../package-root.ts'

export interface RulesAction {
  readonly name: string
  declare(command: Command): void
  run(
    args: readonly string[],
    options: Parameters<CliCommand['run']>[1],
    io: Io,
    env: LoadEnv,
  ): Promise<ExitCode>
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** `-r`; `fallback` says in words which rules are taken without it. */
export const declareRulesOption = (
  command: Command,
  fallback = 'the rules that come with the program',
): Command =>
  command.option('-r, --rules <path>', `rule file or directory (repeatable; default: ${fallback})`, collect)

/** The rules `-r` names, else the shipped ones. */
export const ruleFiles = (options: Readonly<Record<string, unknown>>): readonly string[] => {
  const given = (options['rules'] as readonly string[] | undefined) ?? []
  return given.length > 0 ? given : [rulesDirectory()]
}

/** Load, or say on stderr what is wrong and end the command. */
export function loadOrRefuse(files: readonly string[], env: LoadEnv, io: Io): LoadResult {
  const result = loadRules(files, env)
  const failed = result.files.filter(({ successful }) => !successful)
  if (failed.length === 0) return result
  for (const file of failed) io.stderr.write(renderFileResult(file, result.sources))
  throw new UserError('the rules cannot be loaded')
}
