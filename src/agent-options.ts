/** What an agent is started with, and what a command that looks on has to do with it. */
import type { Recorder } from './capture/native/recorder.ts'
import type { Config } from './config/keys.ts'
import type { Alert } from './detect/alert.ts'
import type { Lookup, SyscallContext } from './fields/context.ts'
import type { MakeCaptures } from './recording.ts'
import type { CompiledRule } from './rules/ir.ts'
import type { LossCause } from './sources/kernel/drops.ts'
import type { Gap } from './sources/kernel/reader.ts'
import type { ThrottleNotice } from './sources/kernel/throttle.ts'

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
  /** Captures that rules begin. */
  readonly captures?: MakeCaptures
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
  /** Event types of the process table of which it needs what was done, and not what failed. */
  readonly done?: ReadonlySet<string>
  /** Plain syscalls among those that it needs of 32-bit programs alone. */
  readonly compatOnly?: ReadonlySet<string>
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

/** What a reload takes over: the rules, and of the configuration outputs and web server. */
export type Renewal = Pick<AgentOptions, 'config' | 'rules' | 'files'>
