/** What the syscall source is told, and what it tells. */
import type { Ring as RingName } from '../../../schema/index.ts'
import type { EventView } from '../../decode/event-view.ts'
import type { Interner } from '../../decode/interner.ts'
import type { GuardSet } from '../../kernel/guard-maps.ts'
import type { Libbpf } from '../../kernel/libbpf.ts'
import type { OwnIds } from '../../kernel/own-ids.ts'
import type { CompatMode } from './compat.ts'
import type { LossCause } from './drops.ts'
import type { Gap } from './reader.ts'
import type { MissingMode } from './syscall-plan.ts'
import type { ThrottleNotice } from './throttle.ts'

/** What somebody wants to know. */
export interface Wanted {
  /** Event types; those of the process table come anyway. */
  readonly events: ReadonlySet<string> | '*'
  /** Event types of the process table of which what was done is enough: the table is told of that anyway. */
  readonly done?: ReadonlySet<string>
  /** Plain syscalls, and other events attached by name, that somebody names. */
  readonly syscalls?: ReadonlySet<string>
  /** Of those, the ones that only 32-bit programs are watched for; none when absent. */
  readonly compatOnly?: ReadonlySet<string>
  /** Capture the environment of programs at exec. */
  readonly env: boolean
  /** Capture what their standard descriptors are open on; not when absent. Of processes that run at the start they come anyway. */
  readonly streams?: boolean
}

export interface KernelSourceOptions extends Wanted {
  readonly lib: Libbpf
  readonly interner: Interner
  /** Folder with the compiled objects. */
  readonly directory: string
  /** When syscalls of 32-bit programs are looked at; `off` when absent. */
  readonly compat?: CompatMode
  /** Compare the names that calls are given when they begin with what they are when they end; not when absent. */
  readonly compareNames?: boolean
  /** What to do about plain syscalls that this kernel does not have; `watch` when absent. */
  readonly missing?: MissingMode
  /** Event types that the agent watches itself with: unless somebody wants them, only what is aimed at the agent. */
  readonly watched?: ReadonlySet<string>
  /** Bytes of each ring, a power of two and a multiple of the page size. */
  readonly ringBytes: Readonly<Record<RingName, number>>
  /** Bytes that net_packet_first carries, by default 64. */
  readonly payloadBytes?: number
  /** Most bytes of argv and env in an exec record, powers of two; by default 32 KiB each. */
  readonly argsBytes?: { readonly argv: number; readonly env: number }
  /** What decides in the kernel which events are passed over; without it all are sent. */
  readonly guards?: GuardSet
  /**
   * Told of the text of passwd when it has changed, before the pipeline is: guards that ask for names have to change first.
   * False: they could not, and names stay what they are.
   */
  readonly beforeUsers?: (passwd: string) => boolean
  /** Most events of the bulk ring that a cgroup may send within a second; 0 or absent for no limit. */
  readonly throttle?: number
  /** Where the files of the host begin, when its root is not ours. */
  readonly hostRoot?: string
  /** Who the agent is, where that is not what `process.pid` says. */
  readonly self?: Pick<OwnIds, 'pid' | 'sharesHostPids'>
}

/** What the source tells the pipeline, in order. */
export interface SourceSink {
  event(view: EventView): void
  gap(gap: Gap, lostBy: readonly LossCause[]): void
  /** Events of a cgroup begin to be held back, or are no more. */
  throttle?(notice: ThrottleNotice): void
  /** Clock offsets, now and then. */
  clock(offsets: { readonly wall: bigint; readonly boot: bigint }): void
  /** Text of passwd and group, at start and when they change. */
  users(passwd: string, group: string): void
  error(error: unknown): void
}
