/**
 * The agent: rules, pipeline, outputs and the kernel source put together, started and stopped. `tarsier run` is a thin
 * skin over it; benchmarks and tests use it, too.
 */
import { existsSync } from 'node:fs'
import type { Config } from './config/keys.ts'
import { Interner } from './decode/str.ts'
import { createEngine } from './detect/engine.ts'
import type { SyscallContext } from './fields/context.ts'
import { byProgram, droppedTotal, type ProgramCounts } from './health/ledger.ts'
import { formatFailure } from './kernel/errors.ts'
import { hostIdentity } from './kernel/host.ts'
import { type HostLock, takeHostLock } from './kernel/host-lock.ts'
import { type Libbpf, LibbpfMissingError, loadLibbpf } from './kernel/libbpf.ts'
import { SystemError, writeText } from './kernel/libc.ts'
import { AbiMismatchError } from './kernel/objects.ts'
import { missingCapabilities } from './kernel/probe.ts'
import { type Outputs, openOutputs } from './outputs/open.ts'
import { Pipeline, type PipelineCounts } from './pipeline.ts'
import { readsEnvironment } from './rules/fields-used.ts'
import type { CompiledRule } from './rules/ir.ts'
import { KernelSource, type KernelSourceOptions } from './sources/kernel/source.ts'

/** The agent cannot start: what is in the way, and what to do about it. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

export interface AgentOptions {
  readonly config: Config
  readonly rules: readonly CompiledRule<SyscallContext>[]
  /** Folder with the compiled BPF objects. */
  readonly objects: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A message for the log. */
  readonly log: (level: 'debug' | 'info' | 'warning' | 'error', message: string) => void
  /** Whoever read our standard output has gone. */
  readonly onClosed: () => void
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
}

export interface Agent {
  /** Names of the programs at work, and processes known at start. */
  readonly programs: readonly string[]
  readonly processes: number
  /** What did not work, each with its consequence in words. */
  readonly degraded: readonly string[]
  ledger(): ProgramCounts[]
  /** Detach, handle what is left, deliver it, unload. */
  stop(): Promise<Summary>
}

/** Start everything. Throws AgentError when that is impossible; nothing is left behind then. */
export function startAgent(options: AgentOptions): Agent {
  const { config, rules, env } = options
  checkPrivileges()
  const lib = openLibbpf()
  const lock = lockHost(config['agent.lock_file'])
  let outputs: Outputs | undefined
  try {
    outputs = openAll(options)
    return assemble(options, lib, outputs, lock, rules, hostIdentity(env))
  } catch (error) {
    outputs?.close()
    lock.release()
    throw error
  }
}

function assemble(
  options: AgentOptions,
  lib: Libbpf,
  outputs: Outputs,
  lock: HostLock,
  rules: readonly CompiledRule<SyscallContext>[],
  identity: ReturnType<typeof hostIdentity>,
): Agent {
  const { config, log } = options
  const interner = new Interner()
  const engine = createEngine(rules, { matching: config.rule_matching === 'all' ? 'all' : 'first' })
  const pipeline = new Pipeline({
    interner,
    engine,
    identity,
    alert: (alert) => outputs.write(alert),
    error: (error) => log('error', (error as Error).message),
  })
  const wantEnv =
    config['kernel.env'] === 'on' || (config['kernel.env'] === 'auto' && rules.some(readsEnvironment))
  const source = openSource({
    lib,
    interner,
    directory: options.objects,
    events: engine.events,
    ringBytes: { critical: config['kernel.ring_bytes.critical'], bulk: config['kernel.ring_bytes.bulk'] },
    env: wantEnv,
  })
  try {
    source.start(pipeline)
  } catch (error) {
    source.stop()
    throw error instanceof AbiMismatchError ? new AgentError(error.message) : error
  }
  if (source.programs.length === 0) {
    source.stop()
    const first = source.failures[0]
    throw new AgentError(
      first === undefined ? 'no BPF program could be attached' : formatFailure(first),
      'tarsier doctor says what this kernel offers',
    )
  }
  return {
    programs: source.programs,
    processes: pipeline.table.size,
    degraded: degradedBy(source),
    ledger: () => source.ledger(),
    async stop() {
      source.finish()
      await outputs.flush()
      const summary = summarise(pipeline, source)
      await source.unload()
      outputs.close()
      lock.release()
      return summary
    },
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

function openAll({ config, onClosed, log }: AgentOptions): Outputs {
  try {
    return openOutputs(config, { onClosed, onError: (message) => log('error', message), writeText })
  } catch (error) {
    throw new AgentError(
      `cannot write alerts to '${config['file_output.filename']}': ${(error as Error).message}`,
      'name a file in a folder that exists: -o file_output.filename=FILE',
    )
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
  if (source.snapshot?.from === 'proc')
    lines.push('The process table at start was read from /proc: start times are coarse until a process execs')
  return lines
}

function summarise(pipeline: Pipeline, source: KernelSource): Summary {
  const drops = new Map<string, number>()
  const count = (reason: string, n: number): void => {
    if (n > 0) drops.set(reason, (drops.get(reason) ?? 0) + n)
  }
  const rows = source.ledger()
  for (const row of rows) for (const [reason, n] of Object.entries(row.dropped)) count(`kernel: ${reason}`, n)
  const { late = 0, ...unread } = source.readerLosses
  for (const [reason, n] of Object.entries(unread)) count(`reader: ${reason}`, n)
  const programs = new Map(
    [...byProgram(rows)].map(([name, counts]) => [
      name,
      { seen: counts.seen, dropped: droppedTotal(counts), guarded: counts.guarded },
    ]),
  )
  return { ...pipeline.counts, programs, drops, late, processes: pipeline.table.size }
}
