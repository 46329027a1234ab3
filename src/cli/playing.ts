/** A capture played by a command: opened, told about, and what is wrong with it said. */
import { CAPTURE_FORMATS, type CaptureFormat, openCapture } from '../capture/open.ts'
import { type Capture, CaptureError } from '../capture/source.ts'
import type { Config } from '../config/keys.ts'
import { Interner } from '../decode/interner.ts'
import { droppedBy } from '../outputs/delivery/message.ts'
import { type ReplayOptions, type ReplaySummary, replay } from '../replay.ts'
import { captureFault } from './captures.ts'
import { EXIT, type ExitCode, type GlobalOptions, type Io, UsageError } from './command.ts'
import { renderSummary } from './commands/run.ts'
import type { Logger } from './logger.ts'

export interface Playing {
  readonly file: string
  readonly config: Config
  readonly options: Readonly<Record<string, unknown>> & GlobalOptions
  readonly log: Logger
  readonly io: Io
}

/** What of it is judged, and who looks on. */
export type Wanted = Pick<ReplayOptions, 'rules' | 'from' | 'to' | 'observer'>

/**
 * Play a capture to its end, with its progress on a terminal, then its notes and a summary; `choose` sees what it says about
 * itself. Throws UserError for a file that cannot be read, and UsageError for a --format that there is not.
 */
export async function playCapture(
  playing: Playing,
  choose: (facts: Capture['facts']) => Wanted,
): Promise<ExitCode> {
  const { file, options, log, io } = playing
  const interner = new Interner()
  const capture = await openOrReport(file, interner, formatOf(options))
  try {
    const summary = await play(playing, { capture, interner, ...choose(capture.facts) })
    for (const note of capture.notes) log.warning(note)
    if (!options.quiet) io.stderr.write(summaryText(summary))
    return isIncomplete(summary) && !summary.readerGone ? EXIT.failure : EXIT.ok
  } finally {
    capture.close()
  }
}

/** Lines that standard output or a file did not take; who delivers elsewhere keeps on trying. */
const isIncomplete = ({ outputs }: ReplaySummary): boolean =>
  outputs.some((status) => (status.type === 'stdout' || status.type === 'file') && droppedBy(status) > 0)

/** Throws UsageError. */
function formatOf(options: Readonly<Record<string, unknown>>): CaptureFormat {
  const format = CAPTURE_FORMATS.find((name) => name === (options['format'] ?? 'auto'))
  if (format !== undefined) return format
  throw new UsageError(`--format takes ${CAPTURE_FORMATS.join(', ')}, not '${options['format']}'`)
}

/** Throws UserError for what cannot be read. */
async function openOrReport(file: string, interner: Interner, format: CaptureFormat): Promise<Capture> {
  try {
    return await openCapture(file, interner, format)
  } catch (error) {
    throw captureFault(file, error)
  }
}

async function play(
  { file, config, options, log, io }: Playing,
  what: Wanted & Pick<ReplayOptions, 'capture' | 'interner'>,
): Promise<ReplaySummary & { readonly readerGone: boolean }> {
  let readerGone = false
  let ended = false
  const end = (): void => {
    ended = true
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  const bar = options.quiet ? undefined : progressBar(io)
  try {
    const summary = await replay({
      ...what,
      config,
      log: (level, message) => log.log(level, message),
      onClosed() {
        readerGone = true
        end()
      },
      stopped: () => ended,
      progress: (events) => bar?.show(what.capture.progress, events),
    })
    return { ...summary, readerGone }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    bar?.clear()
    throw captureFault(file, error)
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
const summaryText = (summary: ReplaySummary): string =>
  renderSummary({
    ...summary,
    programs: new Map(),
    drops: new Map(),
    late: 0,
    withheld: new Map(),
    asked: {},
    suppressed: 0,
    captures: {},
  })
