/** `tarsier rules check`: the verdict on rule files. */
import { jsonLine } from '../../outputs/escape.ts'
import { falcoLoadResults } from '../../rules/falco-results.ts'
import { loadRules } from '../../rules/load.ts'
import { renderFileResult } from '../../rules/render-diagnostics.ts'
import { EXIT, UserError } from '../command.ts'
import type { RulesAction } from './rules-action.ts'

export const checkAction: RulesAction = {
  name: 'check',
  declare(command) {
    command
      .description('validate rule files in the given order, as the agent would load them')
      .argument('<files...>', 'rule files or directories with them')
      .addHelpText(
        'after',
        "\nExit code 1 when a file is invalid. --json prints the shape of Falco's validation.",
      )
  },
  async run(files, options, io, env) {
    const result = loadRules(files, env)
    if (result.files.length === 0)
      throw new UserError('there are no rule files there', 'their names end in .yaml, .yml or .toml')
    if (options.json) io.stdout.write(`${jsonLine(falcoLoadResults(result))}\n`)
    else for (const file of result.files) io.stdout.write(renderFileResult(file, result.sources))
    return result.files.every(({ successful }) => successful) ? EXIT.ok : EXIT.failure
  },
}
