/** Outputs as the rest of the agent sees them: what they take, how they are doing, how they end. */
import type { RecordKind } from '../config/output-entries.ts'
import { Batch } from './batch.ts'
import type { Delivery } from './delivery/delivery.ts'
import { type Entry, type Message, noDrops, type OutputStatus } from './delivery/message.ts'
import type { Formatter } from './formatting.ts'
import type { Output } from './output.ts'
import type { Selection } from './selection.ts'

export interface Sink<About> {
  readonly selection: Selection
  readonly format: Formatter<About>
  /** An alert or record that goes out at once. */
  now(entry: Entry): void
  /** A record that may wait for others of its kind; false, and counted, when there is no room for it. */
  add(line: string, kind: RecordKind): boolean
  status(): OutputStatus
  flush(): Promise<void>
  close(): void
  /** Open what it writes to anew. */
  reopen(): void
}

interface Chosen<About> {
  readonly selection: Selection
  readonly format: Formatter<About>
}

/** Lines to a descriptor. `maxQueued`: bytes waiting beyond which telemetry finds no room. */
export function lineSink<About>(
  output: Output,
  {
    selection,
    format,
    name = output.name,
    type,
    maxQueued,
  }: Chosen<About> & { readonly name?: string; readonly type: string; readonly maxQueued: number },
): Sink<About> {
  const batch = new Batch({ output, maxQueued })
  let refused = 0
  return {
    selection,
    format,
    now: ({ line }) => batch.now(line),
    add(line) {
      const taken = batch.add(line)
      if (!taken) refused++
      return taken
    },
    status() {
      const { written, droppedFull, droppedError, queued } = output.counters
      return {
        name,
        type,
        sent: written,
        failed: 0,
        retried: 0,
        dropped: { ...noDrops(), queue_full: droppedFull + refused, error: droppedError },
        waiting: 0,
        bytes: queued,
      }
    },
    async flush() {
      batch.flush()
      await output.flush()
    },
    close: () => output.close(),
    reopen: () => output.reopen(),
  }
}

/** Share of a queue that telemetry leaves to alerts. */
const TELEMETRY_SHARE = 0.5

/** What is delivered in the background. */
export function deliverySink<About>(
  delivery: Delivery,
  { selection, format, render }: Chosen<About> & { readonly render: (entry: Entry) => string },
): Sink<About> {
  const message = (entry: Entry): Message => ({ id: entry.alert?.id ?? '', text: render(entry) })
  return {
    selection,
    format,
    now(entry) {
      delivery.take(message(entry))
    },
    add: (line, kind) => delivery.take(message({ kind, line }), TELEMETRY_SHARE),
    status: () => delivery.status(),
    flush: () => delivery.flush(),
    close: () => delivery.close(),
    reopen() {},
  }
}
