/** `tarsier replay`: a capture through rules and outputs, as if it happened now. */
import type { Command } from 'commander'
import { CAPTURE_FORMATS } from '../../capture/open.ts'
import { warningLines } from '../../config/falco/read-key.ts'
import { hostNamesIn } from '../../rules/fields-used.ts'
import { timeOption } from '../captures.ts'
import { type CliCommand, UserError } from '../command.ts'
import { idleSelections, loadOrReport, rulesToJudge } from '../configured-rules.ts'
import { loggerFor } from '../logger.ts'
import { playCapture } from '../playing.ts'
import { declareConfigOptions, readOrReport } from './config.ts'

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const HELP = `
Rules, telemetry and outputs are those of 'tarsier run' with the same options; times are those of the capture, and the same
capture with the same options gives the same bytes. What the agent said about itself is not repeated. Root is not needed.
'tarsier trace --replay FILE' shows the events of a capture.

  tarsier replay incident.cap -r new-rules.yaml
  tarsier replay incident.cap --from 2026-01-02T03:04:00Z --to 2026-01-02T03:05:00Z
  tarsier replay incident.cap -o json_output=true -o telemetry.process=true
  tarsier replay tracee.json --format tracee`

export const replayCommand: CliCommand = {
  name: 'replay',
  declare(command: Command): void {
    command.argument('<file>', "capture that 'tarsier record' made, or one of another --format")
    declareConfigOptions(command)
    command
      .option(
        '-r, --rules <path>',
        'rule file or directory instead of the configured and shipped ones (repeatable)',
        collect,
        [],
      )
      .option(
        '--format <format>',
        `${CAPTURE_FORMATS.join(', ')}: what the file is; auto looks at how it begins, scap is of sysdig and Falco, tracee JSON of Tracee v0.7`,
        'auto',
      )
      .option('--from <time>', 'report from this time on: 2026-01-02T03:04:05Z, or +10s after the beginning')
      .option('--to <time>', 'and to this time')
      .addHelpText('after', HELP)
  },
  async run([file], options, io) {
    const loaded = readOrReport(options, io)
    if (loaded === undefined) throw new UserError('the configuration is not valid')
    const log = loggerFor(options, io)
    for (const line of warningLines(loaded.warnings)) log.warning(line)
    const result = loadOrReport(loaded, options['rules'] as readonly string[], options, io)
    for (const line of idleSelections(loaded, result)) log.warning(line)
    const rules = rulesToJudge(result, loaded, () => true)
    const { config } = loaded
    return playCapture({ file: file!, config, options, log, io }, ({ names, created }) => {
      if (!names && hostNamesIn(rules).length > 0)
        log.warning('rules compare with names of hosts, whose addresses the capture does not have')
      return {
        rules,
        from: timeOption('--from', options['from'], created),
        to: timeOption('--to', options['to'], created),
      }
    })
  },
}
