/**
 * The agent: rules, pipeline, outputs and the kernel source put together, started and stopped. `tarsier run` is a thin
 * skin over it; benchmarks and tests use it, too.
 */
import { existsSync } from 'node:fs'
import { setPriority } from 'node:os'
import { AgentError, judgingOptions, type Outputs, openAll } from './agent-outputs.ts'
import { type Reported, reportHealth, sampler, serveWeb } from './agent-reports.ts'
import type { Recorder } from './capture/native/recorder.ts'
import type { PipelineSink } from './capture/source.ts'
import type { Config } from './config/keys.ts'
import { Interner } from './decode/interner.ts'
import type { Alert, AlertIdentity } from './detect/alert.ts'
import type { Engine } from './detect/engine.ts'
import { type Enrichers, openEnrichers } from './enrichment.ts'
import type { Lookup, SyscallContext } from './fields/context.ts'
import { createGuarding, type Guarding, streamsOf } from './guarding.ts'
import { byProgram, droppedTotal, type ProgramCounts } from './health/ledger.ts'
import { StageTimer } from './health/stage-timer.ts'
import { agentRoots } from './integrity/files.ts'
import { Integrity, type IntegrityOptions } from './integrity/integrity.ts'
import { WATCHED_EVENTS } from './integrity/observer.ts'
import { type Consumers, type RuleSet, ruleSet } from './judging.ts'
import { formatFailure } from './kernel/errors.ts'
import { hostIdentity, hostRoot } from './kernel/host.ts'
import { type HostLock, takeHostLock } from './kernel/host-lock.ts'
import { type Libbpf, LibbpfMissingError, loadLibbpf } from './kernel/libbpf.ts'
import { CLOCK, clock, SystemError } from './kernel/libc.ts'
import { AbiMismatchError } from './kernel/objects.ts'
import { missingCapabilities } from './kernel/probe.ts'
import { dropCounters } from './notices/counters.ts'
import { type NoticeOptions, startNotices } from './notices/notices.ts'
import type { OutputStatus } from './outputs/delivery/message.ts'
import { hasRecords } from './outputs/open.ts'
import { Pipeline, type PipelineCounts, type PipelineOptions } from './pipeline.ts'
import { recorded, startRecording } from './recording.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { CompatMode } from './sources/kernel/compat.ts'
import type { LossCause } from './sources/kernel/drops.ts'
import type { KernelSourceOptions } from './sources/kernel/options.ts'
import type { Gap } from './sources/kernel/reader.ts'
import { KernelSource } from './sources/kernel/source.ts'
import type { MissingMode } from './sources/kernel/syscall-plan.ts'
import type { ThrottleNotice } from './sources/kernel/throttle.ts'
import { planTelemetry, type TelemetryPlan } from './telemetry/open.ts'

export { AgentError } from './agent-outputs.ts'

export interface AgentOptions {
  readonly config: Config
  readonly rules: readonly CompiledRule<SyscallContext>[]
  /** Folder with the compiled BPF objects. */
  readonly objects: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A message for the log. */
  readonly log: (level: 'debug' | 'info' | 'warning' | 'error', message: string) => void
  /** Sees and reports more than alerts. */
  readonly observer?: Observer
  /** Whoever read our standard output has gone. */
  readonly onClosed: () => void
  /** What the agent is made of on disk; nothing is looked after where it is left out. */
  readonly files?: AgentFiles
  /** Somebody tampered with the agent, and the configuration asks for its end. */
  readonly onTampering?: () => void
  /** More events were lost than is bearable, and the configuration asks for the end. */
  readonly onDrops?: () => void
  /** Records what the pipeline is told. */
  readonly recorder?: Recorder
  /** Of the program, for what it says about itself. */
  readonly version?: string
}

/** Files of the agent beside its BPF objects. */
export interface AgentFiles {
  /** Folder of the package. */
  readonly root: string
  /** Rule files and directories that were loaded. */
  readonly rules: readonly string[]
  readonly configuration: readonly string[]
}

/** A command that reports events of its own beside the alerts. Nothing here may throw or wait. */
export interface Observer {
  /** Event types it needs. */
  readonly events: ReadonlySet<string>
  /** Files it has lines for, with all below them, under each of their names; every file when empty. */
  readonly paths: readonly string[]
  /** What it wants of these events, where paths do not say it: what no rule can match the kernel may pass over. */
  readonly rules?: readonly CompiledRule<SyscallContext>[]
  /** It shows environments. */
  readonly env?: boolean
  /** Alerts go to it alone: the outputs are for its lines. */
  readonly ownsOutput?: boolean
  /** Before anything is attached. */
  begin?(sink: ObserverSink): void
  /** The line to write for an event, undefined for none. Sees every event, also of types it does not need. */
  line(ctx: SyscallContext): string | undefined
  /** Events were lost; without it that is an alert. */
  gap?(gap: Gap, causes: readonly LossCause[], lookup: Lookup): void
  /** Events of a cgroup begin to be held back, or are no more; without it that is an alert. */
  throttle?(notice: ThrottleNotice, lookup: Lookup): void
  /** An alert that went out. */
  alert(alert: Alert): void
  /** No more events will come; lines may still be written until this is done. */
  end?(counts: { readonly errors: number; readonly monotonic: bigint }): Promise<void>
}

/** What an observer that writes lines of its own has to do with. */
export interface ObserverSink {
  /** Take a line in order; false, and counted, when there is no room. */
  readonly write: (line: string) => boolean
  readonly lookup: Lookup
  /** CLOCK_MONOTONIC and CLOCK_BOOTTIME, ns. */
  readonly now: { readonly monotonic: bigint; readonly boot: bigint }
}

/** What a run amounted to. */
export interface Summary extends PipelineCounts {
  readonly programs: ReadonlyMap<
    string,
    { readonly seen: number; readonly dropped: number; readonly guarded: number }
  >
  /** Losses by reason, the kernel side's and the reader's. */
  readonly drops: ReadonlyMap<string, number>
  /** Events that came out of order, judged all the same. */
  readonly late: number
  readonly processes: number
  /** Matches that no alert stands for, because the one of their key was too recent; by rule with a threshold. */
  readonly withheld: ReadonlyMap<string, number>
  /** What was asked of container runtimes and resolvers, and what became of it. */
  readonly asked: Readonly<Record<string, number>>
  readonly outputs: readonly OutputStatus[]
  /** Alerts held back by throttling. */
  readonly suppressed: number
}

export interface Agent {
  /** Names of the programs at work, and processes known at start. */
  readonly programs: readonly string[]
  readonly processes: number
  /** What did not work, each with its consequence in words. */
  readonly degraded: readonly string[]
  ledger(): ProgramCounts[]
  /**
   * Judge by other rules from now on: no event is lost, what is known of processes stays. Throws AgentError when that takes a
   * new start; everything is as before then.
   */
  reload(rules: AgentOptions['rules']): void
  /** Open the files of outputs anew. */
  reopen(): void
  /** Detach, handle what is left, deliver it, unload. */
  stop(): Promise<Summary>
}

/** Start everything. Throws AgentError when that is impossible; nothing is left behind then. */
export function startAgent(options: AgentOptions): Agent {
  const { config } = options
  checkPrivileges()
  const lib = openLibbpf()
  const lock = lockHost(config['agent.lock_file'])
  let outputs: Outputs | undefined
  try {
    outputs = openAll({ ...options, hostname: hostIdentity(options.env).hostname })
    raisePriority(options)
    return assemble(options, lib, outputs, lock)
  } catch (error) {
    outputs?.close()
    lock.release()
    throw error
  }
}

function assemble(options: AgentOptions, lib: Libbpf, outputs: Outputs, lock: HostLock): Agent {
  const { config, rules, log, env, observer } = options
  const identity = hostIdentity(env)
  const interner = new Interner()
  const recording = options.recorder !== undefined
  const enrichers = openEnrichers({ config, rules, hostRoot: hostRoot(env), log, recording })
  const telemetry = planTelemetry({ config, host: identity.hostname, self: process.pid, sink: outputs })
  const timer = new StageTimer(() => Number(process.hrtime.bigint()))
  const guarding = createGuarding({
    config,
    streams: streamsOf({ telemetry, observer, ...(isWatched(options) ? { roots: rootsOf(options) } : {}) }),
    processes: () => pipeline.table.living,
  })
  const consumers: Consumers = { config, telemetry, observer, guarding }
  let judged = ruleSet(rules, consumers)
  const parts: Parts = { options, interner, identity, enrichers, judged, telemetry, timer, outputs, guarding }
  const line = observer && lineWriter(observer, outputs)
  let integrity: Integrity | undefined
  let source: KernelSource | undefined
  const pipeline = new Pipeline({
    ...pipelineOptions(parts),
    observe(ctx) {
      integrity?.see(ctx.event, ctx.process)
      line?.(ctx)
    },
    learned: (cgroup, cgroupV1, container) => source?.noteCgroup(cgroup, cgroupV1, container),
  })
  source = openSource(sourceOptions(parts, lib))
  observer?.begin?.({
    write: (line) => outputs.record(line),
    lookup: pipeline.lookup,
    now: { monotonic: clock(CLOCK.monotonic), boot: clock(CLOCK.boottime) },
  })
  const sink = startRecording(options.recorder, enrichers, pipeline)
  try {
    startSource(source, sink)
  } catch (error) {
    options.recorder?.close()
    throw error
  }
  enrichers.start(pipeline, sink)
  if (isWatched(options))
    integrity = watchOver(options, options.files, {
      lib,
      source,
      identity,
      alert: (alert) => tell(parts, alert),
    })
  const reported = { config, identity, pipeline, source, enrichers, outputs, timer }
  const reporter = hasRecords(config) || outputs.asksFor('health') ? reportHealth(reported) : undefined
  const notices = startNotices(noticeOptions(parts, reported))
  const web = serveWeb(reported, { version: options.version ?? '', rules, files: options.files, log })
  return {
    programs: source.programs,
    processes: pipeline.table.size,
    degraded: degradedBy(source),
    ledger: () => source.ledger(),
    reload(rules) {
      const next = ruleSet(rules, consumers)
      const refused = source.want(next.wanted)
      if (refused.length > 0)
        throw new AgentError(
          `rules about ${refused.join(', ')} take a new start: the agent sees only those that are aimed at itself`,
          'restart the agent',
        )
      const asked = enrichers.reopen(rules)
      pipeline.judgeBy(next.judging(recorded(asked.options, options.recorder)))
      asked.begin()
      // Last, so that no event is passed over that the new rules want.
      if (next.guards) source.setGuards(next.guards)
      judged = next
    },
    reopen: () => outputs.reopen(),
    async stop() {
      web?.close()
      integrity?.pause()
      source.finish()
      enrichers.stop()
      options.recorder?.close()
      integrity?.stop()
      pipeline.telemetry?.flush()
      reporter?.stop()
      notices.stop()
      reporter?.report()
      await observer?.end?.({ errors: pipeline.counts.errors, monotonic: clock(CLOCK.monotonic) })
      await outputs.flush()
      const counts = summarise(pipeline, source, judged.engine)
      await source.unload()
      outputs.close()
      const summary = {
        ...counts,
        asked: enrichers.counts,
        outputs: outputs.status(),
        suppressed: outputs.suppressed,
      }
      lock.release()
      return summary
    },
  }
}

const noticeOptions = (parts: Parts, reported: Reported): NoticeOptions => ({
  config: reported.config,
  identity: reported.identity,
  counters: () => dropCounters(reported.source.ledger()),
  sample: sampler(reported, parts.options.version ?? ''),
  now: () => reported.pipeline.lookup.wallClock(clock(CLOCK.monotonic)),
  alert: (alert) => tell(parts, alert),
  log: parts.options.log,
  exit: () => parts.options.onDrops?.(),
})

/** What pipeline and source are made of. */
interface Parts {
  readonly options: AgentOptions
  readonly interner: Interner
  readonly identity: AlertIdentity
  readonly enrichers: Enrichers
  readonly judged: RuleSet
  readonly telemetry: TelemetryPlan
  readonly timer: StageTimer
  readonly outputs: Outputs
  readonly guarding: Guarding
}

/** An alert goes out; where an observer has the outputs to itself, to that one. */
function tell(
  { options: { observer }, outputs }: Pick<Parts, 'options' | 'outputs'>,
  alert: Alert,
  about?: Parameters<Outputs['write']>[1],
): void {
  if (observer?.ownsOutput !== true) outputs.write(alert, about)
  observer?.alert(alert)
}

const isWatched = (options: AgentOptions): options is AgentOptions & { readonly files: AgentFiles } =>
  options.config['integrity.enabled'] && options.files !== undefined

function pipelineOptions(parts: Parts): PipelineOptions {
  const { options, interner, identity, enrichers, judged, telemetry, timer, outputs, guarding } = parts
  const { config, log, observer } = options
  return {
    ...judgingOptions({ config, interner, identity, telemetry, outputs, log }),
    ...judged.judging(recorded(enrichers.options, options.recorder)),
    alert(alert, about) {
      // What the agent has to say about itself is told in every mode.
      if (about !== undefined && config['agent.mode'] === 'monitor') return
      tell(parts, alert, about)
    },
    ...(hasRecords(config) || outputs.asksFor('health') ? { timer } : {}),
    ...(observer?.gap === undefined ? {} : { gap: observer.gap.bind(observer) }),
    ...(observer?.throttle === undefined ? {} : { throttle: observer.throttle.bind(observer) }),
    admits: (event) => guarding.admits(event),
    askCgroup: enrichers.askCgroup,
  }
}

const sourceOptions = ({ options, interner, judged }: Parts, lib: Libbpf): KernelSourceOptions => ({
  lib,
  interner,
  ...judged.wanted,
  directory: options.objects,
  compat: options.config['syscalls.compat'] as CompatMode,
  missing: options.config['syscalls.missing'] as MissingMode,
  ...(isWatched(options) ? { watched: WATCHED_EVENTS } : {}),
  ringBytes: {
    critical: options.config['kernel.ring_bytes.critical'],
    bulk: options.config['kernel.ring_bytes.bulk'],
  },
  payloadBytes: options.config['telemetry.payload_bytes'],
  ...(judged.guards && { guards: judged.guards }),
  throttle: options.config['kernel.throttle'],
  hostRoot: hostRoot(options.env),
})

/** Throws AgentError when nothing could be attached; nothing is left attached then. */
function startSource(source: KernelSource, sink: PipelineSink): void {
  try {
    source.start(sink)
  } catch (error) {
    source.stop()
    throw error instanceof AbiMismatchError ? new AgentError(error.message) : error
  }
  if (source.programs.length > 0) return
  source.stop()
  const first = source.failures[0]
  throw new AgentError(
    first === undefined ? 'no BPF program could be attached' : formatFailure(first),
    'tarsier doctor says what this kernel offers',
  )
}

const rootsOf = ({ files, objects }: { readonly files: AgentFiles; readonly objects: string }) =>
  agentRoots({ ...files, objects })

/** The agent's eye on itself. Without it the agent still does its work, so a failure here is told and survived. */
function watchOver(
  { config, objects, log, onTampering }: AgentOptions,
  files: AgentFiles,
  parts: Pick<IntegrityOptions, 'lib' | 'source' | 'identity' | 'alert'>,
): Integrity | undefined {
  try {
    const integrity = new Integrity({
      ...parts,
      roots: rootsOf({ files, objects }),
      intervalMs: config['integrity.interval'] * 1000,
      onFinding() {
        if (config['integrity.action'] === 'exit') onTampering?.()
      },
      log,
    })
    integrity.start()
    return integrity
  } catch (error) {
    log('warning', `the agent does not watch over itself: ${(error as Error).message}`)
    return undefined
  }
}

/** Lines of the observer's events, to the same outputs as alerts. */
function lineWriter(observer: Observer, outputs: Outputs): (ctx: SyscallContext) => void {
  return (ctx) => {
    const line = observer.line(ctx)
    if (line !== undefined) outputs.writeLine(line, 'event')
  }
}

/** A source needs tracefs, which only CAP_SYS_ADMIN reaches where it is not mounted. */
function openSource(options: KernelSourceOptions): KernelSource {
  try {
    return new KernelSource(options)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new AgentError(
      `tracefs is not mounted, and the agent may not mount one of its own (${error.message})`,
      'mount -t tracefs tracefs /sys/kernel/tracing, or give it CAP_SYS_ADMIN',
    )
  }
}

/** A flood of others must not keep the agent from reading what they do. */
function raisePriority({ config, log }: AgentOptions): void {
  try {
    setPriority(config['agent.nice'])
  } catch (error) {
    log('debug', `the priority stays as it is: ${(error as Error).message}`)
  }
}

function checkPrivileges(): void {
  const missing = missingCapabilities()
  if (missing.length > 0)
    throw new AgentError(
      `the agent needs ${missing.join(' and ')}, which this process does not have`,
      'run it as root, or give it these capabilities (CAP_SYS_ADMIN serves as well)',
    )
  if (!existsSync('/sys/kernel/btf/vmlinux'))
    throw new AgentError(
      'this kernel has no BTF: /sys/kernel/btf/vmlinux is not there',
      'use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of Debian are',
    )
}

function openLibbpf(): Libbpf {
  try {
    return loadLibbpf()
  } catch (error) {
    if (error instanceof LibbpfMissingError) throw new AgentError(error.message, 'apt-get install libbpf1')
    throw error
  }
}

function lockHost(file: string): HostLock {
  const lock = tryHostLock(file)
  if ('heldBy' in lock)
    throw new AgentError(
      `another agent runs on this host (pid ${lock.heldBy}, lock ${file})`,
      'there is one agent per host; stop the other one first',
    )
  return lock
}

function tryHostLock(file: string): ReturnType<typeof takeHostLock> {
  try {
    return takeHostLock(file)
  } catch (error) {
    throw new AgentError(
      `cannot make the lock file '${file}': ${(error as Error).message}`,
      'name a file in a folder that exists: -o agent.lock_file=FILE',
    )
  }
}

/** Consequences of what this kernel refused. */
function degradedBy(source: KernelSource): string[] {
  const lines = source.failures.map(formatFailure)
  if (source.guardFailure !== undefined) lines.push(source.guardFailure)
  if (source.missing.length > 0)
    lines.push(
      `This kernel does not have ${source.missing.join(', ')}: calls fail with ENOSYS and are not looked for (syscalls.missing = watch does, at the exit of all syscalls)`,
    )
  if (source.snapshot?.from === 'proc')
    lines.push('The process table at start was read from /proc: start times are coarse until a process execs')
  return lines
}

function summarise(
  pipeline: Pipeline,
  source: KernelSource,
  engine: Engine<SyscallContext>,
): Omit<Summary, 'asked' | 'outputs' | 'suppressed'> {
  const drops = new Map<string, number>()
  const count = (reason: string, n: number): void => {
    if (n > 0) drops.set(reason, (drops.get(reason) ?? 0) + n)
  }
  const rows = source.ledger()
  for (const row of rows) for (const [reason, n] of Object.entries(row.dropped)) count(`kernel: ${reason}`, n)
  const { late = 0, ...unread } = source.readerLosses
  for (const [reason, n] of Object.entries(unread)) count(`reader: ${reason}`, n)
  const withheld = new Map<string, number>()
  for (const [rule, { evicted, withheld: n }] of engine.statistics.thresholds) {
    count(`threshold of '${rule}': key given up`, evicted)
    if (n > 0) withheld.set(rule, n)
  }
  const programs = new Map(
    [...byProgram(rows)].map(([name, counts]) => [
      name,
      { seen: counts.seen, dropped: droppedTotal(counts), guarded: counts.guarded },
    ]),
  )
  return { ...pipeline.counts, programs, drops, late, processes: pipeline.table.size, withheld }
}
