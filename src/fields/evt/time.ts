/** When the event happened. Text is in UTC: no stage asks the machine for its time zone, so a replay prints the same. */
import type { SyscallContext } from '../context.ts'
import { field, once, type SyscallField } from '../syscall-field.ts'

const SECOND = 1_000_000_000n

/** Ns since the epoch. */
const eventTime = (ctx: SyscallContext): bigint =>
  once(ctx, 'evt.time', () => ctx.lookup.wallClock(ctx.event.timeNs))

/** `2026-01-31T12:00:00.000000001` without a zone; `separator` stands between date and time. */
function formatTime(ns: bigint, separator: ' ' | 'T' = 'T'): string {
  const fraction = ((ns % SECOND) + SECOND) % SECOND
  const seconds = (ns - fraction) / SECOND
  const date = new Date(Number(seconds) * 1000)
  // Beyond what a Date holds (the year 275760) a time is garbage, but printing must not throw.
  const text = Number.isNaN(date.getTime()) ? '0000-00-00T00:00:00' : date.toISOString().slice(0, 19)
  return `${text.replace('T', separator)}.${fraction.toString().padStart(9, '0')}`
}

const text = (name: string, doc: string, make: (ns: bigint) => string): SyscallField =>
  field({
    name,
    type: 'string',
    cost: 'derived',
    doc,
    get: (ctx) => ctx.lookup.intern(make(eventTime(ctx))),
  })

export const timeFields: readonly SyscallField[] = [
  text('evt.time', 'Time of day with nanoseconds, UTC.', (ns) => formatTime(ns).slice(11)),
  text('evt.outputtime', 'The same as evt.time.', (ns) => formatTime(ns).slice(11)),
  text('evt.time.s', 'Time of day, UTC.', (ns) => formatTime(ns).slice(11, 19)),
  text(
    'evt.time.iso8601',
    'Date and time with nanoseconds, ISO 8601, UTC.',
    (ns) => `${formatTime(ns)}+0000`,
  ),
  text('evt.datetime', 'Date and time with nanoseconds, UTC.', (ns) => formatTime(ns, ' ')),
  text('evt.datetime.s', 'Date and time, UTC.', (ns) => formatTime(ns, ' ').slice(0, 19)),
  field({
    name: 'evt.rawtime',
    type: 'time',
    cost: 'free',
    doc: 'Ns since the epoch.',
    get: eventTime,
  }),
  field({
    name: 'evt.rawtime.s',
    type: 'time',
    cost: 'free',
    doc: 'Whole seconds since the epoch.',
    get: (ctx) => eventTime(ctx) / SECOND,
  }),
  field({
    name: 'evt.rawtime.ns',
    type: 'time',
    cost: 'free',
    doc: 'Nanoseconds of the current second.',
    get: (ctx) => eventTime(ctx) % SECOND,
  }),
]
