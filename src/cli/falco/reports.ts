/** What Falco's options print about rules and configuration instead of running: -V, -L, -l, --support. */

import { machine, release, type as systemName, version as systemVersion } from 'node:os'
import type { LoadedConfig } from '../../config/load.ts'
import { ruleEnvironment } from '../../config/rule-inputs.ts'
import { SOURCES } from '../../fields/index.ts'
import { withStaticFields } from '../../fields/static.ts'
import { hostIdentity } from '../../kernel/host.ts'
import { jsonLine } from '../../outputs/escape.ts'
import { didYouMean } from '../../rules/condition/suggest.ts'
import {
  falcoDescription,
  falcoDescriptionText,
  falcoLoadResults,
  falcoResultText,
} from '../../rules/falco-results.ts'
import { ENGINE_VERSION, versionText } from '../../rules/languages/falco/version.ts'
import { type LoadResult, loadRules } from '../../rules/load.ts'
import { EXIT, type ExitCode, type Io, UserError } from '../command.ts'
import { programVersion, shippedRules } from '../package-root.ts'

const allEvents = (source: string): Iterable<string> => SOURCES.get(source)?.events ?? []

/** `-V`: the verdict on files, as text or, with json_output, as JSON with what the rules are. */
export function validateFiles(
  files: readonly string[],
  loaded: LoadedConfig,
  json: boolean,
  io: Io,
): ExitCode {
  const { config } = loaded
  const result = loadRules(files, {
    sources: withStaticFields(SOURCES, config.static_fields),
    ...ruleEnvironment(loaded.file?.name, shippedRules()),
    everyFile: true,
  })
  if (result.files.length === 0)
    throw new UserError(
      `there are no rule files in ${files.join(', ')}`,
      'their names end in .yaml, .yml or .toml',
    )
  const ok = result.files.every(({ successful }) => successful)
  if (json) {
    const described = ok ? { falco_describe_results: falcoDescription(result.describe(), allEvents) } : {}
    io.stdout.write(`${jsonLine({ ...falcoLoadResults(result), ...described })}\n`)
  } else io.stdout.write(falcoResultText(result))
  return ok ? EXIT.ok : EXIT.failure
}

/** `-L`, or `-l` with the name of a rule. */
export function describeRules(result: LoadResult, rule: string | undefined, json: boolean, io: Io): ExitCode {
  const description = result.describe()
  const text = json
    ? jsonLine(falcoDescription(description, allEvents, rule))
    : falcoDescriptionText(description, rule)?.trimEnd()
  if (text === undefined)
    throw new UserError(
      `there is no rule '${rule}'`,
      didYouMean(
        rule ?? '',
        description.rules.map(({ name }) => name),
      ) ?? '-L lists those there are',
    )
  io.stdout.write(`${text}\n`)
  return EXIT.ok
}

/** `--support`: what somebody who helps wants to see. Configuration and rules are printed as they are. */
export function printSupport(
  loaded: LoadedConfig,
  result: LoadResult,
  argv: readonly string[],
  io: Io,
): ExitCode {
  const support = {
    version: programVersion(),
    engine_info: { engine_version: versionText(ENGINE_VERSION) },
    system_info: {
      sysname: systemName(),
      nodename: hostIdentity(io.env).hostname,
      release: release(),
      version: systemVersion(),
      machine: machine(),
    },
    cmdline: argv.join(' '),
    config: loaded.file?.text ?? '',
    config_files: loaded.files.slice(1).map(({ name, text }) => ({ name, content: text })),
    rules_files: result.files.map(({ name }) => ({
      name,
      variants: [{ content: result.sources.get(name)?.text ?? '' }],
    })),
  }
  io.stdout.write(`${jsonLine(support)}\n`)
  return EXIT.ok
}
