/** `tarsier replay`: a capture through rules and outputs, as if it happened now. */
import type { Command } from 'commander'
import { CAPTURE_FORMATS, type CaptureFormat, openCapture } from '../../capture/open.ts'
import { type Capture, CaptureError } from '../../capture/source.ts'
import { warningLines } from '../../config/falco/read-key.ts'
import { Interner } from '../../decode/interner.ts'
import { type ReplaySummary, replay } from '../../replay.ts'
import { hostNamesIn } from '../../rules/fields-used.ts'
import { captureFault, timeOption } from '../captures.ts'
import { type CliCommand, EXIT, type GlobalOptions, type Io, UsageError, UserError } from '../command.ts'
import { idleSelections, loadOrReport, rulesToJudge } from '../configured-rules.ts'
import { type Logger, loggerFor } from '../logger.ts'
import { declareConfigOptions, readOrReport } from './config.ts'
import { renderSummary } from './run.ts'

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
    declareFormat(command)
    command
      .option(
        '-r, --rules <path>',
        'rule file or directory instead of the configured and shipped ones (repeatable)',
        collect,
        [],
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
    const interner = new Interner()
    const capture = await openOrReport(file!, interner, formatOf(options))
    try {
      if (!capture.facts.names && hostNamesIn(rules).length > 0)
        log.warning('rules compare with names of hosts, whose addresses the capture does not have')
      const { created } = capture.facts
      const from = timeOption('--from', options['from'], created)
      const to = timeOption('--to', options['to'], created)
      const summary = await play(
        { capture, file: file!, interner, rules, from, to },
        loaded.config,
        options,
        log,
        io,
      )
      for (const note of capture.notes) log.warning(note)
      if (!options.quiet) io.stderr.write(summaryText(summary))
      return EXIT.ok
    } finally {
      capture.close()
    }
  },
}

/** `--format` of the commands that read captures. */
const declareFormat = (command: Command): Command =>
  command.option(
    '--format <format>',
    `${CAPTURE_FORMATS.join(', ')}: what the file is; auto looks at how it begins, scap is of sysdig and Falco, tracee JSON of Tracee v0.7`,
    'auto',
  )

/** Throws UsageError. */
export function formatOf(options: Readonly<Record<string, unknown>>): CaptureFormat {
  const format = CAPTURE_FORMATS.find((name) => name === (options['format'] ?? 'auto'))
  if (format !== undefined) return format
  throw new UsageError(`--format takes ${CAPTURE_FORMATS.join(', ')}, not '${options['format']}'`)
}

/** Throws UserError for what cannot be read. */
export async function openOrReport(
  file: string,
  interner: Interner,
  format: CaptureFormat,
): Promise<Capture> {
  try {
    return await openCapture(file, interner, format)
  } catch (error) {
    throw captureFault(file, error)
  }
}

type Played = Pick<
  Parameters<typeof replay>[0],
  'capture' | 'interner' | 'rules' | 'from' | 'to' | 'observer'
>

/** Play a capture to its end, with its progress on a terminal. Throws UserError for what is wrong with it. */
export async function play(
  { file, ...what }: Played & { readonly file: string },
  config: Parameters<typeof replay>[0]['config'],
  options: GlobalOptions,
  log: Logger,
  io: Io,
): Promise<ReplaySummary> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  const bar = options.quiet ? undefined : progressBar(io)
  try {
    return await replay({
      ...what,
      config,
      log: (level, message) => log.log(level, message),
      onClosed: end,
      stopped: () => ended,
      progress: (events) => bar?.show(what.capture.progress, events),
    })
  } catch (error) {
    if (error instanceof CaptureError) {
      bar?.clear()
      throw captureFault(file, error)
    }
    throw error
  } finally {
    bar?.clear()
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
  }
}

const SHOW_MS = 250

/** How far it is and how fast; `ms` since the beginning. */
export function progressText({ done, total }: Capture['progress'], events: number, ms: number): string {
  const percent = total === 0 ? 100 : (100 * done) / total
  return `${percent.toFixed(1)} %, ${events} events, ${Math.round(events / (ms / 1000))} a second`
}

/** How far the replay is, on a terminal. */
function progressBar({ stderr }: Io) {
  if ((stderr as { readonly isTTY?: boolean }).isTTY !== true) return undefined
  const start = performance.now()
  let shown = start
  return {
    show({ done, total }: Capture['progress'], events: number): void {
      const now = performance.now()
      if (now - shown < SHOW_MS) return
      shown = now
      stderr.write(`\r${progressText({ done, total }, events, now - start)}\u001b[K`)
    },
    clear: () => void stderr.write('\r\u001b[K'),
  }
}

/** As at the end of a live run, without what only a kernel counts. */
export const summaryText = (summary: ReplaySummary): string =>
  renderSummary({
    ...summary,
    programs: new Map(),
    drops: new Map(),
    late: 0,
    withheld: new Map(),
    asked: {},
    outputs: [],
    suppressed: 0,
    captures: {},
  })
