/** What a start needs of the machine: privileges, libbpf, the lock, a source of events. */
import { existsSync } from 'node:fs'
import { getPriority } from 'node:os'
import type { AgentOptions } from './agent-options.ts'
import type { PipelineSink } from './capture/source.ts'
import { everyAligned } from './kernel/aligned.ts'
import { missingCapabilities } from './kernel/capabilities.ts'
import { formatFailure } from './kernel/errors.ts'
import { type HostLock, takeHostLock } from './kernel/host-lock.ts'
import { type Libbpf, LibbpfMissingError, loadLibbpf } from './kernel/libbpf.ts'
import { TracefsError } from './kernel/machine.ts'
import { AbiMismatchError } from './kernel/objects.ts'
import { setPriorityOfThreads } from './kernel/priority.ts'
import type { KernelSourceOptions } from './sources/kernel/options.ts'
import { KernelSource } from './sources/kernel/source.ts'
import { UserError } from './user-error.ts'

/** Throws UserError when nothing could be attached; nothing is left attached then. */
export function startSource(source: KernelSource, sink: PipelineSink): void {
  try {
    source.start(sink)
  } catch (error) {
    source.stop()
    throw error instanceof AbiMismatchError ? new UserError(error.message) : error
  }
  if (source.programs.length > 0) return
  source.stop()
  const first = source.failures[0]
  throw new UserError(
    first === undefined ? 'no BPF program could be attached' : formatFailure(first),
    'tarsier doctor says what this kernel offers',
  )
}

export function openSource(options: KernelSourceOptions): KernelSource {
  try {
    return new KernelSource(options)
  } catch (error) {
    if (!(error instanceof TracefsError)) throw error
    const mount = error.needs === 'CAP_SYS_ADMIN' ? 'mount -t tracefs tracefs /sys/kernel/tracing, or ' : ''
    throw new UserError(error.message, `${mount}give the agent ${error.needs}`)
  }
}

const BEAT_MS = 1000

/** Signs of life, from now on and until the function that is returned is called. */
export function startBeating(lock: HostLock): () => void {
  lock.beat()
  return everyAligned(BEAT_MS, () => lock.beat(), false)
}

/** A flood of others must not keep the agent from reading what they do. */
export function raisePriority({ config, log }: AgentOptions): void {
  try {
    setPriorityOfThreads(config['agent.nice'])
  } catch (error) {
    const { info } = error as { readonly info?: { readonly code: string } }
    const reason = info?.code ?? (error as Error).message
    log('warning', `the priority stays at ${getPriority()} (${reason}): agent.nice takes CAP_SYS_NICE`)
  }
}

export function checkPrivileges(): void {
  const missing = missingCapabilities()
  if (missing.length > 0)
    throw new UserError(
      `the agent needs ${missing.join(' and ')}, which this process does not have`,
      'run it as root, or give it these capabilities (CAP_SYS_ADMIN serves as well)',
    )
  if (!existsSync('/sys/kernel/btf/vmlinux'))
    throw new UserError(
      'this kernel has no BTF: /sys/kernel/btf/vmlinux is not there',
      'use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of Debian are',
    )
}

export function openLibbpf(): Libbpf {
  try {
    return loadLibbpf()
  } catch (error) {
    if (error instanceof LibbpfMissingError) throw new UserError(error.message, 'apt-get install libbpf1')
    throw error
  }
}

export function lockHost(file: string): HostLock {
  const lock = tryHostLock(file)
  if ('heldBy' in lock)
    throw new UserError(
      `another agent runs on this host (pid ${lock.heldBy}, lock ${file})`,
      'there is one agent per host; stop the other one first',
    )
  return lock
}

function tryHostLock(file: string): ReturnType<typeof takeHostLock> {
  try {
    return takeHostLock(file)
  } catch (error) {
    throw new UserError(
      `cannot make the lock file '${file}': ${(error as Error).message}`,
      'name a file in a folder that exists: -o agent.lock_file=FILE',
    )
  }
}

/** Consequences of what this kernel refused. */
export function degradedBy(source: KernelSource): string[] {
  const lines = source.failures.map(formatFailure)
  if (source.guardFailure !== undefined) lines.push(source.guardFailure)
  if (source.missing.length > 0)
    lines.push(
      `This kernel does not have ${source.missing.join(', ')}: calls fail with ENOSYS and are not looked for (syscalls.missing = watch does, at the exit of all syscalls)`,
    )
  if (source.withoutHooks.length > 0)
    lines.push(
      `This kernel does not have the calls that ${source.withoutHooks.join(', ')} would come of: there are no such events`,
    )
  if (source.snapshot?.from === 'proc')
    lines.push('The process table at start was read from /proc: start times are coarse until a process execs')
  return lines
}
