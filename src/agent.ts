/**
 * The agent: rules, pipeline, outputs and the kernel source put together, started and stopped. `tarsier run` is a thin
 * skin over it; benchmarks and tests use it, too.
 */

import { join } from 'node:path'
import type { AgentFiles, AgentOptions, Observer, Renewal } from './agent-options.ts'
import { judgingOptions, type Outputs, openAll, prepareOutputs } from './agent-outputs.ts'
import { captureCounts, type Reported, reportAbsence, reportHealth, sampler } from './agent-reports.ts'
import {
  checkPrivileges,
  degradedBy,
  lockHost,
  openLibbpf,
  openSource,
  raisePriority,
  startBeating,
  startSource,
} from './agent-start.ts'
import { type AgentStatus, type Summary, statusOf, summarise } from './agent-status.ts'
import { createWeb } from './agent-web.ts'
import { Interner } from './decode/interner.ts'
import type { Alert, AlertIdentity } from './detect/alert.ts'
import { type Enrichers, openEnrichers } from './enrichment.ts'
import type { SyscallContext } from './fields/context.ts'
import { createGuarding, type Guarding, streamsOf } from './guarding.ts'
import type { GuardPlan } from './guards/plan.ts'
import type { ProgramCounts } from './health/ledger.ts'
import { StageTimer } from './health/stage-timer.ts'
import { agentRoots } from './integrity/files.ts'
import { INTEGRITY_RULES } from './integrity/finding.ts'
import { Integrity, type IntegrityOptions } from './integrity/integrity.ts'
import { WATCHED_EVENTS } from './integrity/observer.ts'
import { type Consumers, inForce, prebufferOf, type Rule, type RuleSet, ruleSet } from './judging.ts'
import type { GuardSet } from './kernel/guard-maps.ts'
import { hostIdentity, hostRoot } from './kernel/host.ts'
import type { HostLock } from './kernel/host-lock.ts'
import type { Libbpf } from './kernel/libbpf.ts'
import { CLOCK, clock, SystemError } from './kernel/libc.ts'
import { type OwnIds, ownIds } from './kernel/own-ids.ts'
import { dropCounters } from './notices/counters.ts'
import { type NoticeOptions, startNotices } from './notices/notices.ts'
import { type Change, hasRecords } from './outputs/open.ts'
import { PassCounter, type Passed } from './pass-counter.ts'
import { Pipeline } from './pipeline.ts'
import type { PipelineOptions } from './pipeline-options.ts'
import { captureOnMatch, openCaptures, type Recorders, recorded, startRecording } from './recording.ts'
import type { CompatMode } from './sources/kernel/compat.ts'
import type { KernelSourceOptions } from './sources/kernel/options.ts'
import type { KernelSource } from './sources/kernel/source.ts'
import type { MissingMode } from './sources/kernel/syscall-plan.ts'
import { passwdOf } from './sources/kernel/user-files.ts'
import { planTelemetry, type TelemetryPlan } from './telemetry/open.ts'

export type { AgentStatus, Summary } from './agent-status.ts'

export interface Agent {
  /** Names of the programs at work, and processes known at start. */
  readonly programs: readonly string[]
  readonly processes: number
  /** What did not work, each with its consequence in words. */
  readonly degraded: readonly string[]
  ledger(): ProgramCounts[]
  status(): AgentStatus
  /** The rules in force. */
  readonly rules: readonly Rule[]
  /** What the guards in force decide of them; undefined when the configuration wants none. */
  plan(): GuardPlan | undefined
  /** Count for how many events the guards let pass for each of these rules, for so long; undefined while somebody does. */
  countPassed(rules: readonly Rule[], ms: number): Promise<Passed> | undefined
  /**
   * Judge by other rules from now on, and deliver to other outputs: no event is lost, nothing that waits, and what is known
   * of processes stays. Throws UserError when that is impossible or takes a new start; everything is as before then.
   */
  reload(renewal: Renewal): void
  /** Something asked for a reload that was refused before it came to that: what was read is not valid. */
  noteRefusal(): void
  /** Open the files of outputs anew. */
  reopen(): void
  /** Detach, handle what is left, deliver it, unload. */
  stop(): Promise<Summary>
}

/** Start everything. Throws UserError when that is impossible; nothing is left behind then. */
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
  const { config, rules, log, observer } = options
  let { files } = options
  const { parts, pipeline, source, passes, integrity } = begin(options, lib, outputs, () => files)
  const { recorders, enrichers, identity, timer, guarding } = parts
  const { captures } = recorders
  let loaded = 0n
  const reloads = { done: 0, refused: 0, lastOk: true }
  const reported = {
    ...{ config, identity, pipeline, source, enrichers, outputs, timer, captures },
    loaded: () => loaded,
    reloads,
    own: parts.own,
  }
  let reporter = hasRecords(config) || outputs.asksFor('health') ? reportHealth(reported) : undefined
  const stopBeating = startBeating(lock)
  if (lock.before !== undefined && observer?.ownsOutput !== true)
    log(
      'warning',
      reportAbsence(reported, lock.before, (alert) => tell(parts, alert)),
    )
  const notices = startNotices(noticeOptions(parts, reported))
  const version = options.version ?? ''
  const begun = clock(CLOCK.monotonic)
  const web = createWeb(reported, { version, log }, { config, rules, files: options.files })
  const force = inForce(parts.judged, { consumers: parts.consumers, source, pipeline, enrichers, recorders })
  return {
    programs: source.programs,
    processes: pipeline.table.size,
    degraded: degradedBy(source),
    ledger: () => source.ledger(),
    status: () =>
      statusOf(reported, {
        version,
        from: begun,
        rules: force.current.rules.length,
        degraded: degradedBy(source),
      }),
    get rules() {
      return force.current.rules
    },
    plan: () => guarding.planOf([...force.current.rules, ...(observer?.rules ?? [])]),
    countPassed: (rules, ms) => (passes.isCounting ? undefined : passes.count(rules, ms, source)),
    reload(renewal) {
      const before = files
      const changes: Change[] = []
      try {
        changes.push(prepareOutputs(outputs, renewal.config))
        changes.push(web.prepare({ ...renewal, files: renewal.files }))
        files = renewal.files
        force.exchange(renewal.rules)
      } catch (error) {
        files = before
        for (const change of changes) change.discard()
        throw error
      }
      for (const change of changes) change.commit()
      loaded = clock(CLOCK.monotonic)
      reloads.done++
      reloads.lastOk = true
      if (files !== undefined) integrity?.follow(rootsOf({ ...options, files }))
      if (outputs.asksFor('health')) reporter ??= reportHealth(reported)
    },
    noteRefusal() {
      reloads.refused++
      reloads.lastOk = false
    },
    reopen: () => outputs.reopen(),
    async stop() {
      web.close()
      integrity?.pause()
      source.finish()
      stopBeating()
      lock.beat()
      enrichers.stop()
      closeAll(recorders)
      integrity?.stop()
      pipeline.telemetry?.flush()
      reporter?.stop()
      notices.stop()
      reporter?.report()
      await observer?.end?.({ errors: pipeline.counts.errors, monotonic: clock(CLOCK.monotonic) })
      await outputs.flush()
      const counts = summarise(pipeline, source, force.current.engine)
      await source.unload()
      outputs.close()
      const summary = {
        ...counts,
        asked: enrichers.counts,
        outputs: outputs.status(),
        suppressed: outputs.suppressed,
        captures: captureCounts(captures),
      }
      lock.release()
      return summary
    },
  }
}

/** Pipeline and source at work, and the agent's eye on itself. `files`: what the agent is made of, as it is then. */
function begin(options: AgentOptions, lib: Libbpf, outputs: Outputs, files: () => AgentFiles | undefined) {
  const { env, observer } = options
  const parts = partsOf(options, lib, outputs, {
    files,
    living: () => pipeline.table.living,
  })
  const { recorders, enrichers, identity, self, guarding } = parts
  const passes = new PassCounter(guarding.admits)
  const line = observer && lineWriter(observer, outputs)
  let integrity: Integrity | undefined
  let source: KernelSource | undefined
  const pipeline = new Pipeline({
    ...pipelineOptions(parts),
    observe(ctx) {
      passes.see(ctx.event)
      integrity?.see(ctx.event, ctx.process)
      line?.(ctx)
    },
    learned: (cgroup, cgroupV1, container) => source?.noteCgroup(cgroup, cgroupV1, container),
  })
  source = openSource({
    ...sourceOptions(parts, lib),
    beforeUsers: (passwd) => renewGuards(source, guarding.meetUsers(passwd), options.log),
  })
  observer?.begin?.({
    write: (line) => outputs.record(line),
    lookup: pipeline.lookup,
    now: { monotonic: clock(CLOCK.monotonic), boot: clock(CLOCK.boottime) },
  })
  const sink = startRecording(recorders, enrichers, pipeline, {
    proc: join(hostRoot(env) || '/', 'proc'),
    agent: self.pid,
  })
  try {
    startSource(source, sink)
  } catch (error) {
    closeAll(recorders)
    throw error
  }
  enrichers.start(pipeline, sink)
  if (isWatched(options))
    integrity = watchOver(options, options.files, {
      lib,
      source,
      self,
      identity,
      alert: (alert) => tell(parts, alert),
    })
  return { parts, pipeline, source, passes, integrity }
}

/** Put other guards in place, where there are any. False when the kernel does not take them. */
function renewGuards(
  source: KernelSource | undefined,
  guards: GuardSet | undefined,
  log: AgentOptions['log'],
): boolean {
  if (guards === undefined) return true
  try {
    source?.setGuards(guards)
    return true
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    log('warning', `names of users stay as they were: the kernel does not take the guards (${error.message})`)
    return false
  }
}

/** What stands before anything is attached; of what is yet to be or to change, as it is then. */
function partsOf(
  options: AgentOptions,
  lib: Libbpf,
  outputs: Outputs,
  later: { readonly files: () => AgentFiles | undefined; readonly living: () => Pipeline['table']['living'] },
): Parts {
  const { config, rules, log, env, observer } = options
  const identity = hostIdentity(env)
  const interner = new Interner()
  const captures = openCaptures(options.captures, config, interner, log)
  const recording = options.recorder !== undefined || captures !== undefined
  const self = ownIds(lib, options.objects, hostRoot(env))
  const enrichers = openEnrichers({ config, rules, hostRoot: hostRoot(env), log, recording })
  const telemetry = planTelemetry({ config, host: identity.hostname, self: self.pid, sink: outputs })
  const guarding = createGuarding({
    config,
    passwd: passwdOf(hostRoot(env)),
    streams: () =>
      streamsOf({
        telemetry,
        observer,
        self: self.pid,
        prebuffer: prebufferOf(config),
        ...(isWatched(options) ? { roots: rootsOf({ ...options, files: later.files()! }) } : {}),
      }),
    processes: later.living,
  })
  const consumers: Consumers = { config, telemetry, observer, guarding, recording }
  return {
    ...{ options, self, interner, identity, enrichers, telemetry, outputs, guarding, consumers },
    judged: ruleSet(rules, consumers),
    timer: new StageTimer(() => Number(process.hrtime.bigint())),
    recorders: { recorder: options.recorder, captures },
    own: new Map(Object.values(INTEGRITY_RULES).map((rule) => [rule, 0])),
  }
}

const closeAll = ({ recorder, captures }: Recorders): void => {
  for (const one of [recorder, captures]) one?.close()
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
  readonly self: OwnIds
  readonly interner: Interner
  readonly identity: AlertIdentity
  readonly enrichers: Enrichers
  readonly consumers: Consumers
  /** The rules of the start. */
  readonly judged: RuleSet
  readonly telemetry: TelemetryPlan
  readonly timer: StageTimer
  readonly outputs: Outputs
  readonly guarding: Guarding
  readonly recorders: Recorders
  /** Alerts by what the agent says itself, which no rule counts. */
  readonly own: Map<string, number>
}

/** An alert goes out; where an observer has the outputs to itself, to that one. */
function tell(
  { options: { observer }, outputs, own }: Pick<Parts, 'options' | 'outputs' | 'own'>,
  alert: Alert,
  about?: Parameters<Outputs['write']>[1],
): void {
  if (about === undefined) own.set(alert.rule, (own.get(alert.rule) ?? 0) + 1)
  if (observer?.ownsOutput !== true) outputs.write(alert, about)
  observer?.alert(alert)
}

const isWatched = (options: AgentOptions): options is AgentOptions & { readonly files: AgentFiles } =>
  options.config['integrity.enabled'] && options.files !== undefined

function pipelineOptions(parts: Parts): PipelineOptions {
  const { options, interner, identity, enrichers, judged, telemetry, timer, outputs, guarding, recorders } =
    parts
  const { config, log, observer } = options
  return {
    ...judgingOptions({ config, interner, identity, telemetry, outputs, log }),
    ...judged.judging(recorded(enrichers.options, recorders)),
    ...captureOnMatch(recorders.captures, config),
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

const sourceOptions = ({ options, self, interner, judged }: Parts, lib: Libbpf): KernelSourceOptions => ({
  lib,
  interner,
  ...judged.wanted,
  directory: options.objects,
  compat: options.config['syscalls.compat'] as CompatMode,
  missing: options.config['syscalls.missing'] as MissingMode,
  compareNames: options.config['syscalls.compare_names'],
  ...(isWatched(options) ? { watched: WATCHED_EVENTS } : {}),
  ringBytes: {
    critical: options.config['kernel.ring_bytes.critical'],
    bulk: options.config['kernel.ring_bytes.bulk'],
  },
  payloadBytes: options.config['telemetry.payload_bytes'],
  argsBytes: { argv: options.config['kernel.argv_bytes'], env: options.config['kernel.env_bytes'] },
  ...(judged.guards && { guards: judged.guards }),
  throttle: options.config['kernel.throttle'],
  hostRoot: hostRoot(options.env),
  self,
})

const rootsOf = ({ files, objects }: { readonly files: AgentFiles; readonly objects: string }) =>
  agentRoots({ ...files, objects })

/** The agent's eye on itself. Without it the agent still does its work, so a failure here is told and survived. */
function watchOver(
  { config, objects, log, onTampering }: AgentOptions,
  files: AgentFiles,
  parts: Pick<IntegrityOptions, 'lib' | 'source' | 'self' | 'identity' | 'alert'>,
): Integrity | undefined {
  try {
    const integrity = new Integrity({
      ...parts,
      roots: rootsOf({ files, objects }),
      intervalMs: config['integrity.interval'] * 1000,
      hashIntervalMs: config['integrity.hash_interval'] * 1000,
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
