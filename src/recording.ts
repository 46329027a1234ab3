/** The recorder of an agent, between its sources and its pipeline. */
import { AgentError } from './agent-outputs.ts'
import type { Recorder } from './capture/native/recorder.ts'
import type { PipelineSink } from './capture/source.ts'
import type { Enrichers } from './enrichment.ts'
import type { EnrichmentOptions, Pipeline } from './pipeline.ts'

/** Where sources go: through the recorder, if there is one. Throws AgentError when its file cannot be made. */
export function startRecording(
  recorder: Recorder | undefined,
  { asksNames }: Pick<Enrichers, 'asksNames'>,
  pipeline: Pipeline,
): PipelineSink {
  if (recorder === undefined) return pipeline
  try {
    recorder.open(asksNames, { living: () => pipeline.table.living, before: () => pipeline.before })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    throw new AgentError(
      `cannot make the capture: ${message}`,
      code === 'EEXIST' ? 'a capture is never written over; name another file' : undefined,
    )
  }
  return recorder.tee(pipeline)
}

/** The recorder has to know who was asked about. */
export function recorded(
  enrichment: EnrichmentOptions | undefined,
  recorder: Recorder | undefined,
): EnrichmentOptions | undefined {
  const askContainer = enrichment?.askContainer
  if (enrichment === undefined || recorder === undefined || askContainer === undefined) return enrichment
  return {
    ...enrichment,
    askContainer(container) {
      const taken = askContainer(container)
      recorder.asked(container.fullId, taken)
      return taken
    },
  }
}
