/** What a live agent and a replay have in common: outputs, and how a pipeline tells them what it found. */
import { gapWriter, throttleWriter } from './agent-reports.ts'
import type { Config } from './config/keys.ts'
import type { Interner } from './decode/interner.ts'
import type { AlertIdentity } from './detect/alert.ts'
import { openDatagrams } from './kernel/datagrams.ts'
import { writeText } from './kernel/libc.ts'
import type { OutputClock } from './outputs/clock.ts'
import {
  type Change,
  hasRecords,
  OutputError,
  type Outputs as OutputsOf,
  openOutputs,
} from './outputs/open.ts'
import type { PipelineOptions } from './pipeline-options.ts'
import { randGuardAlert, type Subject, secretFinder } from './telemetry/alert-record.ts'
import type { TelemetryPlan } from './telemetry/open.ts'
import { UserError } from './user-error.ts'

export type Outputs = OutputsOf<Subject>

export interface OutputsInit {
  readonly config: Config
  /** Of the host that records are about. */
  readonly hostname: string
  /** Whoever read our standard output has gone. */
  readonly onClosed: () => void
  readonly log: (level: 'error' | 'info', message: string) => void
  /** By default that of the machine. */
  readonly clock?: OutputClock
}

/** Open the outputs of a configuration. Throws UserError. */
export function openAll({ config, onClosed, log, hostname, clock }: OutputsInit): Outputs {
  try {
    const handlers = {
      onClosed,
      onError: (message: string) => log('error', message),
      onInfo: (message: string) => log('info', message),
      writeText,
    }
    const formats = { randGuard: randGuardAlert, secrets: secretFinder() }
    return openOutputs<Subject>(config, handlers, formats, {
      ...{ hostname, openDatagrams },
      ...(clock && { clock }),
    })
  } catch (error) {
    throw asUserError(error)
  }
}

/** Make the outputs of another configuration ready. Throws UserError, and nothing has changed then. */
export function prepareOutputs(outputs: Outputs, config: Config): Change {
  try {
    return outputs.prepare(config)
  } catch (error) {
    throw asUserError(error)
  }
}

const asUserError = (error: unknown): unknown =>
  error instanceof OutputError ? new UserError(`cannot open ${error.message}`, error.hint) : error

export interface JudgingInit extends Pick<OutputsInit, 'config' | 'log'> {
  readonly interner: Interner
  readonly identity: AlertIdentity
  readonly telemetry: TelemetryPlan
  readonly outputs: Outputs
}

/** How a pipeline judges and tells: the same for what happens now and for what was recorded. */
export function judgingOptions({
  config,
  interner,
  identity,
  telemetry,
  outputs,
  log,
}: JudgingInit): Omit<PipelineOptions, 'alert' | 'engine'> {
  return {
    interner,
    identity,
    maxProcesses: config['limits.max_processes'],
    asFalco: config.compat === 'falco',
    printing: { base64Buffers: config.buffer_format_base64 },
    ...(outputs.advance && { advance: outputs.advance }),
    ...(telemetry.events.size === 0 ? {} : { telemetry: telemetry.create }),
    ...(hasRecords(config) || outputs.asksFor('gap')
      ? { gap: gapWriter(outputs, identity.hostname), throttle: throttleWriter(outputs, identity.hostname) }
      : {}),
    error: (error) => log('error', (error as Error).message),
  }
}
