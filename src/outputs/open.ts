/** The outputs of a configuration as the rest of the agent sees them, and how they become those of another one. */
import type { Config } from '../config/keys.ts'
import type { RecordKind } from '../config/output-entries.ts'
import type { Alert } from '../detect/alert.ts'
import { LIVE_CLOCK } from './clock.ts'
import { droppedBy, type OutputStatus } from './delivery/message.ts'
import type { Surroundings } from './entries.ts'
import { type Formats, formatName, hasTelemetry } from './formatting.ts'
import { Leaving } from './leaving.ts'
import type { Line } from './line.ts'
import { maskAlert } from './masking.ts'
import type { Handlers } from './output.ts'
import type { Prepared } from './sink.ts'
import { type Placed, type Spec, specsOf } from './specs.ts'
import { Throttling } from './throttling.ts'

export { type Formats, formatName, hasTelemetry } from './formatting.ts'

export interface Outputs<About> {
  /** An alert, at once; `about` is what a format needs to know beside it. */
  write(alert: Alert, about?: About): void
  /** A record that is no alert, ready to be written, at once. */
  writeLine(line: string, kind: Exclude<RecordKind, 'alert'>): void
  /** A record of telemetry: it goes out with others of its kind. False when an output had no room for it. */
  record(line: Line | string): boolean
  /** An event of this time comes, CLOCK_MONOTONIC ns; undefined where nobody has to know. */
  readonly advance: ((time: number) => void) | undefined
  /** Does an output of the list ask for records of this kind? */
  asksFor(kind: RecordKind): boolean
  /** Alerts taken so far. */
  readonly alerts: number
  /** Alerts held back by throttling so far. */
  readonly suppressed: number
  /** Lines lost so far. */
  readonly failures: number
  status(): readonly OutputStatus[]
  flush(): Promise<void>
  /** Open files anew, also those that stay open whatever becomes of their name. */
  reopen(): void
  /**
   * Make ready to be the outputs of another configuration. Those that are the same in both, down to the certificates they
   * use, are not touched; one that changes keeps its name's queue; one that goes takes nothing more and delivers what waits.
   * Throws OutputError when one cannot be opened; nothing has changed then.
   */
  prepare(config: Config): Change
  close(): void
}

/** What is ready to take effect, or to be given up. */
export interface Change {
  commit(): void
  discard(): void
}

/** An output cannot be opened: which, and why. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** Are there records of health and losses on standard output and in the file, beside the alerts? */
export const hasRecords = (config: Config): boolean =>
  hasTelemetry(config) || formatName(config) === 'rand-guard'

/** Open what the configuration names. Throws OutputError when that is not possible; nothing stays open then. */
export function openOutputs<About>(
  config: Config,
  handlers: Handlers,
  formats: Formats<About>,
  surroundings: Surroundings,
): Outputs<About> {
  const outputs = new OutputSet<About>(handlers, formats, surroundings)
  outputs.prepare(config).commit()
  return outputs
}

/** An output that stays as it is, or one that is ready to begin. */
type Next<About> =
  | { readonly spec: Spec<About>; readonly same: Placed<About> }
  | {
      readonly spec: Spec<About>
      readonly prepared: Prepared<About>
      readonly before: Placed<About> | undefined
    }

class OutputSet<About> implements Outputs<About> {
  readonly #handlers: Handlers
  readonly #formats: Formats<About>
  readonly #surroundings: Surroundings
  readonly #throttling: Throttling
  readonly #leaving: Leaving<About>
  readonly advance: Outputs<About>['advance']
  #placed: readonly Placed<About>[] = []
  /** Of those at work; for the hot path. */
  #sinks: readonly Placed<About>['sink'][] = []
  #asked: ReadonlySet<RecordKind> = new Set()
  #mask = true
  #alerts = 0

  constructor(handlers: Handlers, formats: Formats<About>, surroundings: Surroundings) {
    this.#handlers = handlers
    this.#formats = formats
    this.#surroundings = surroundings
    const clock = surroundings.clock ?? LIVE_CLOCK
    this.#throttling = new Throttling(clock, (alert) => this.#send(alert, undefined))
    this.#leaving = new Leaving(handlers.onError)
    this.advance = (time) => this.#throttling.advance(time)
  }

  write(alert: Alert, about?: About): void {
    const shown = this.#mask
      ? maskAlert(alert, about === undefined ? [] : this.#formats.secrets(about))
      : alert
    // What the agent says about itself is never held back.
    if (about === undefined || this.#throttling.admits(shown)) this.#send(shown, about)
  }

  #send(alert: Alert, about: About | undefined): void {
    this.#alerts++
    for (const sink of this.#sinks)
      if (sink.selection.takes(alert)) sink.now({ kind: 'alert', alert, line: sink.format(alert, about) })
  }

  writeLine(line: string, kind: Exclude<RecordKind, 'alert'>): void {
    for (const sink of this.#sinks) if (sink.selection.kinds.has(kind)) sink.now({ kind, line })
  }

  record(line: Line | string): boolean {
    let taken = true
    for (const sink of this.#sinks)
      if (sink.selection.kinds.has('event') && !sink.add(line, 'event')) taken = false
    return taken
  }

  asksFor(kind: RecordKind): boolean {
    return this.#asked.has(kind)
  }
  get alerts(): number {
    return this.#alerts
  }
  get suppressed(): number {
    return this.#throttling.suppressed
  }
  get failures(): number {
    return this.status().reduce((sum, status) => sum + droppedBy(status), this.#leaving.lost)
  }

  status(): readonly OutputStatus[] {
    return [...this.#sinks, ...this.#leaving.sinks].map((sink) => sink.status())
  }

  async flush(): Promise<void> {
    this.#throttling.flush()
    await Promise.all([...this.#sinks, ...this.#leaving.sinks].map((sink) => sink.flush()))
  }

  reopen(): void {
    for (const sink of this.#sinks) sink.reopen()
  }

  close(): void {
    this.#throttling.close()
    for (const sink of [...this.#sinks, ...this.#leaving.sinks]) sink.close()
    this.#leaving.close()
  }

  prepare(config: Config): Change {
    const next: Next<About>[] = []
    const discard = (): void => {
      for (const one of next) if ('prepared' in one) one.prepared.discard()
    }
    try {
      for (const spec of specsOf(config, this.#handlers, this.#formats, this.#surroundings))
        next.push(this.#next(spec))
    } catch (error) {
      discard()
      throw error
    }
    return { discard, commit: () => this.#become(config, next) }
  }

  #next(spec: Spec<About>): Next<About> {
    const same = this.#placed.find(
      ({ spec: { key, signature } }) => key === spec.key && signature === spec.signature,
    )
    if (same !== undefined) return { spec, same }
    const before =
      this.#placed.find(({ spec: { key } }) => key === spec.key) ?? this.#leaving.find(spec.key, spec.type)
    try {
      return { spec, before, prepared: spec.open(before?.sink) }
    } catch (error) {
      throw new OutputError(`output ${spec.name}: ${(error as Error).message}`, spec.hint)
    }
  }

  #become(config: Config, next: readonly Next<About>[]): void {
    const before = this.#placed
    const stay = new Set<Placed<About> | undefined>()
    this.#placed = next.map((one) => {
      if ('same' in one) {
        stay.add(one.same)
        return one.same
      }
      one.prepared.commit()
      if (one.prepared.takesOver) {
        stay.add(one.before)
        this.#leaving.forget(one.before)
      }
      return { spec: one.spec, sink: one.prepared.sink }
    })
    this.#sinks = this.#placed.map(({ sink }) => sink)
    for (const one of before) if (!stay.has(one)) this.#leaving.add(one)
    this.#asked = new Set<RecordKind>(config.outputs.flatMap(({ kinds }) => kinds as readonly RecordKind[]))
    this.#mask = config['output.mask_secrets']
    this.#throttling.become(config)
  }
}
