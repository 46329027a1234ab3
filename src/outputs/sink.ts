/** Outputs as the rest of the agent sees them: what they take, how they are doing, how they end. */
import type { RecordKind } from '../config/output-entries.ts'
import { Batch } from './batch.ts'
import type { Delivery } from './delivery/delivery.ts'
import { type Entry, type Message, noDrops, type OutputStatus } from './delivery/message.ts'
import type { Formatter } from './formatting.ts'
import type { Line } from './line.ts'
import type { Output } from './output.ts'
import type { Selection } from './selection.ts'

export interface Sink<About> {
  readonly selection: Selection
  readonly format: Formatter<About>
  /** An alert or record that goes out at once. */
  now(entry: Entry): void
  /** A record that may wait for others of its kind; false, and counted, when there is no room for it. */
  add(line: Line | string, kind: RecordKind): boolean
  status(): OutputStatus
  flush(): Promise<void>
  close(): void
  /** Open what it writes to anew. */
  reopen(): void
  /** The same output with another selection and format. */
  retold(chosen: Chosen<About>): Sink<About>
  /** What it writes to; of equal places one stands for the other. */
  readonly place?: string
  /** Of those that deliver in the background. */
  readonly delivery?: Delivery
}

/** An output that is ready to begin. */
export interface Prepared<About> {
  readonly sink: Sink<About>
  /** It goes on with what the one before had: its file, or its queue. */
  readonly takesOver: boolean
  commit(): void
  discard(): void
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
    place,
  }: Chosen<About> & {
    readonly name?: string
    readonly type: string
    readonly maxQueued: number
    readonly place?: string
  },
): Sink<About> {
  const batch = new Batch({ output, maxQueued })
  let refused = 0
  const sink: Sink<About> = {
    ...(place === undefined ? {} : { place }),
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
        spooled: 0,
      }
    },
    async flush() {
      batch.flush()
      await output.flush()
    },
    close: () => output.close(),
    reopen: () => output.reopen(),
    retold: (chosen) => ({ ...sink, ...chosen }),
  }
  return sink
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
    delivery,
    selection,
    format,
    now(entry) {
      delivery.take(message(entry))
    },
    add(line, kind) {
      const text = typeof line === 'string' ? line : line.text
      return delivery.take(message({ kind, line: text }), TELEMETRY_SHARE)
    },
    status: () => delivery.status(),
    flush: () => delivery.flush(),
    close: () => delivery.close(),
    reopen() {},
    retold: (chosen) => deliverySink(delivery, { ...chosen, render }),
  }
}
