/** What is in a scap capture: it has no table of contents, so all of it is read. */
import { Interner } from '../../decode/interner.ts'
import { CaptureError, type CaptureSink, type CaptureSummary, NOBODY } from '../source.ts'
import { ScapCapture } from './reader.ts'

/** Throws CaptureError where not even the beginning is sound. */
export async function summariseScap(file: string): Promise<CaptureSummary> {
  const capture = await ScapCapture.open(file, new Interner(16))
  const counts = new Map<string, number>()
  let fault: CaptureError | undefined
  let total = 0
  capture.want(new Set())
  const count = (name: string, events: number): void => {
    counts.set(name, (counts.get(name) ?? 0) + events)
    total += events
  }
  const sink: CaptureSink = {
    ...NOBODY,
    event({ type, name }) {
      if (type.internal !== true) count(name, 1)
    },
    counted: count,
  }
  try {
    do await capture.ready()
    while (capture.play(sink))
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error
    fault = error
  } finally {
    capture.close()
  }
  const { facts, span, blocks, progress, notes } = capture
  return {
    ...{ format: capture.format, facts, bytes: progress.total, blocks, notes, fault, total, lost: 0 },
    first: span?.first,
    last: span?.last,
    events: new Map([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    ending: fault === undefined ? 'closed' : 'torn',
  }
}
