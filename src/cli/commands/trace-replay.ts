/** `tarsier trace --replay FILE`: the events of a capture. */
import type { Config } from '../../config/keys.ts'
import { Interner } from '../../decode/interner.ts'
import type { ReplayObserver } from '../../replay.ts'
import { EXIT, type ExitCode, type GlobalOptions, type Io } from '../command.ts'
import type { Logger } from '../logger.ts'
import { formatOf, openOrReport, play, summaryText } from './replay.ts'

/** Throws UserError for what cannot be read. */
export async function traceCapture(
  file: string,
  observer: ReplayObserver,
  config: Config,
  options: GlobalOptions,
  log: Logger,
  io: Io,
): Promise<ExitCode> {
  const interner = new Interner()
  const capture = await openOrReport(file, interner, formatOf({ ...options }))
  try {
    const summary = await play(
      { capture, file, interner, rules: [], from: undefined, to: undefined, observer },
      config,
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
}
