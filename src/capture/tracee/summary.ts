/** What is in a file of Tracee's lines: it is read to its end. */
import type { EventView } from '../../decode/event-view.ts'
import { Interner } from '../../decode/interner.ts'
import type { Gap } from '../../sources/kernel/reader.ts'
import { type CaptureSummary, NOBODY } from '../source.ts'
import { openCapture } from './reader.ts'

/** Throws CaptureError where not even the beginning is sound. */
export function summariseTracee(file: string): CaptureSummary {
  const capture = openCapture(file, new Interner(16))
  const counts = new Map<string, number>()
  let [total, lost, first, last] = [0, 0, Number.POSITIVE_INFINITY, 0]
  let wall = 0n
  const sink = {
    ...NOBODY,
    clock: (offsets: { readonly wall: bigint }) => {
      wall = offsets.wall
    },
    event({ type, name, time }: EventView) {
      if (type.internal === true) return
      counts.set(name, (counts.get(name) ?? 0) + 1)
      total++
      first = Math.min(first, time)
      last = Math.max(last, time)
    },
    gap: (gap: Gap) => {
      lost += gap.lost
    },
  }
  try {
    while (capture.play(sink));
  } finally {
    capture.close()
  }
  const { facts, format, notes, progress } = capture
  return {
    ...{ format, facts, bytes: progress.total, blocks: 0, total, lost, notes, fault: undefined },
    first: total === 0 ? undefined : BigInt(first) + wall,
    last: total === 0 ? undefined : BigInt(last) + wall,
    events: new Map([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    ending: 'closed',
  }
}
