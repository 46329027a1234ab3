/** Our own JSON: the records of telemetry, losses as gaps, and the end of the stream as a record. */
import type { Lookup, SyscallContext } from '../../fields/context.ts'
import { toJson } from '../../outputs/formats/json.ts'
import { isoTime } from '../../outputs/formats/time.ts'
import { gapLine, throttleLine } from '../../telemetry/gap.ts'
import { nativeLines } from '../../telemetry/native.ts'
import type { Printer } from './printer.ts'

export interface NativeOptions {
  readonly lookup: Lookup
  readonly mask: boolean
  /** Show environments. */
  readonly env: boolean
}

export function nativePrinter({ lookup, mask, env }: NativeOptions): Printer {
  const host = lookup.hostname
  const without: ReadonlySet<string> = new Set(env ? [] : ['env'])
  const lines = nativeLines({ lookup, host, mask, alertRecords: false, without })
  return {
    own(ctx: SyscallContext) {
      if (ctx.event.type.family.state === true) lines.processChanged()
      return lines.line({ ctx, findings: [] }).text
    },
    event: () => undefined,
    loss: ({ lost, from, to, ring, cpu, by }) =>
      gapLine({ reason: 'lost', count: lost, from, to, ring, cpu, by }, host, lookup),
    throttle: (notice) => throttleLine(notice, host, lookup),
    end: (stats, timestamp) => toJson({ event_type: 'end', v: 1, time: isoTime(timestamp), host, ...stats }),
  }
}
