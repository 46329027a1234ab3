/** The recorders of an agent, between its sources and its pipeline: of everything, and of what follows a match. */
import type { PastOptions } from './capture/native/past.ts'
import type { Recorder } from './capture/native/recorder.ts'
import type { TriggeredCapture } from './capture/native/triggered.ts'
import type { PipelineSink } from './capture/source.ts'
import type { Config } from './config/keys.ts'
import { EventView } from './decode/event-view.ts'
import type { Interner } from './decode/interner.ts'
import { containerOf } from './enrich/container.ts'
import { containerAsFalco } from './enrich/falco-container.ts'
import type { Enrichers } from './enrichment.ts'
import { CLOCK, clock } from './kernel/libc.ts'
import type { Pipeline } from './pipeline.ts'
import type { EnrichmentOptions, PipelineOptions } from './pipeline-options.ts'
import { readInventory } from './sources/kernel/inventory.ts'
import { createProcessTable } from './state/process-table.ts'
import { UserError } from './user-error.ts'

/** Makes the captures that rules begin; `past` is a memory of their own. Throws where their folder cannot be read. */
export type MakeCaptures = (
  past: Pick<PastOptions, 'table' | 'view'>,
  log: (level: 'info' | 'warning', message: string) => void,
) => TriggeredCapture

export interface Recorders {
  readonly recorder: Recorder | undefined
  readonly captures: TriggeredCapture | undefined
}

/** Captures that rules begin, where the configuration has them. Throws UserError. */
export function openCaptures(
  make: MakeCaptures | undefined,
  config: Config,
  interner: Interner,
  log: Parameters<MakeCaptures>[1],
): TriggeredCapture | undefined {
  const table = (): PastOptions['table'] =>
    createProcessTable({
      interner,
      containerOf: config.compat === 'falco' ? containerAsFalco : containerOf,
      max: config['limits.max_processes'],
    })
  try {
    return make?.({ table: table(), view: new EventView(interner) }, log)
  } catch (error) {
    throw new UserError(
      `captures cannot be made below capture.path_prefix: ${(error as Error).message}`,
      'name a folder that exists: -o capture.path_prefix=/var/lib/tarsier/capture',
    )
  }
}

/** Where a recording is made. */
interface Where {
  /** /proc of the host. */
  readonly proc: string
  /** Process id of the agent as events have it. */
  readonly agent: number
}

/** Where sources go: through the recorders there are. Throws UserError when a file cannot be made. */
export function startRecording(
  { recorder, captures }: Recorders,
  { asksNames }: Pick<Enrichers, 'asksNames'>,
  pipeline: Pipeline,
  { proc, agent }: Where,
): PipelineSink {
  const before = (): Pipeline['before'] => pipeline.before
  captures?.open(asksNames, { before, agent }, () => Number(clock(CLOCK.monotonic)))
  const sink = captures?.tee(pipeline) ?? pipeline
  if (recorder === undefined) return sink
  try {
    recorder.open(asksNames, { living: () => pipeline.table.living, before, agent })
  } catch (error) {
    captures?.close()
    const { message, code } = error as NodeJS.ErrnoException
    throw new UserError(
      `cannot make the capture: ${message}`,
      code === 'EEXIST' ? 'a capture is never written over; name another file' : undefined,
    )
  }
  recorder.inventory(readInventory(proc))
  return recorder.tee(sink)
}

/** Recorders have to know who was asked about. */
export function recorded(
  enrichment: EnrichmentOptions | undefined,
  { recorder, captures }: Recorders,
): EnrichmentOptions | undefined {
  const askContainer = enrichment?.askContainer
  if (enrichment === undefined || askContainer === undefined) return enrichment
  if (recorder === undefined && captures === undefined) return enrichment
  return {
    ...enrichment,
    askContainer(container) {
      const taken = askContainer(container)
      for (const one of [recorder, captures]) one?.asked(container.fullId, taken)
      return taken
    },
  }
}

/** A match begins a capture, if its rule or the configuration says so. */
export function captureOnMatch(
  captures: TriggeredCapture | undefined,
  config: Config,
): Pick<PipelineOptions, 'capture'> {
  if (captures === undefined) return {}
  const all = config['capture.mode'] === 'all_rules'
  return {
    capture({ name, capture }, { event, lookup, num }) {
      if (capture === undefined && !all) return undefined
      const time = lookup.wallClock(event.timeNs)
      return captures.match({ rule: name, time, num, durationNs: capture?.durationNs })
    },
  }
}
