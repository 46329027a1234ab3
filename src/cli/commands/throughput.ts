/** `tarsier throughput`: measure telemetry under a flood of writes, store it, compare it with an earlier run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { reportJson, reportText, writeReport } from '../../bench/report.ts'
import { compare, runThroughput, type Stored } from '../../bench/throughput.ts'
import type { Io } from '../command.ts'
import { type CliCommand, EXIT, UsageError, UserError } from '../command.ts'
import { packageRoot } from '../package-root.ts'
import { formatTable } from '../table.ts'

export const throughputCommand: CliCommand = {
  name: 'throughput',
  declare(command: Command): void {
    command
      .option('--compare <file>', 'JSON file of an earlier run to set beside this one')
      .option(
        '--out <dir>',
        'where the Markdown and JSON files go (default: .local/throughput of the checkout)',
      )
      .addHelpText(
        'after',
        '\nEnvironment: EDR_THROUGHPUT_DURATION_SECS (15), EDR_THROUGHPUT_GENERATOR_SECS (10), EDR_THROUGHPUT_OUTPUT.',
      )
  },
  async run(_args, options, io) {
    const earlier = options['compare'] === undefined ? undefined : readStored(String(options['compare']))
    const root = packageRoot()
    const folder = String(
      options['out'] ?? io.env['EDR_THROUGHPUT_OUTPUT'] ?? join(root, '.local', 'throughput'),
    )
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    const report = await runThroughput({
      root,
      durationSecs: seconds(io, 'EDR_THROUGHPUT_DURATION_SECS', 15),
      generatorSecs: seconds(io, 'EDR_THROUGHPUT_GENERATOR_SECS', 10),
      build: version,
      progress: (text) => void (options.quiet || io.stderr.write(`${text}\n`)),
    })
    io.stdout.write(options.json ? `${reportJson(report)}\n` : reportText(report, formatTable))
    if (earlier !== undefined) tellComparison(report.results as unknown as Stored, earlier, io)
    const written = writeReport(report, folder)
    if (!options.quiet) io.stderr.write(`written: ${written.join(' ')}\n`)
    return EXIT.ok
  },
}

function seconds(io: Io, name: string, otherwise: number): number {
  const text = io.env[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 3600) return value
  throw new UsageError(`${name} takes whole seconds from 1 to 3600, not '${text}'`)
}

function readStored(file: string): Stored {
  try {
    const { results } = JSON.parse(readFileSync(file, 'utf8')) as { results?: Partial<Stored> }
    if (results?.throughput === undefined || results.surroundings === undefined)
      throw new Error('no throughput in it')
    return results as Stored
  } catch (error) {
    throw new UserError(
      `cannot compare with ${file}: ${(error as Error).message}`,
      'name a throughput-*.json file',
    )
  }
}

function tellComparison(now: Stored, before: Stored, io: Io): void {
  const { ratios, warnings } = compare(now, before)
  io.stdout.write(`\n${formatTable(['what', 'before', 'now', 'ratio'], ratios)}`)
  for (const warning of warnings) io.stderr.write(`warning: ${warning}\n`)
}
