/**
 * What the fields of the syscall source read: the event, the process that made it, and read-only look-ups into state.
 * Fields know this interface, not the tables behind it.
 */

import type { ContainerFacts, ContainerRef } from '../decode/answers.ts'
import type { EventView } from '../decode/event-view.ts'
import type { Marked, Str } from '../decode/str.ts'
import type { Ip } from './ip.ts'

/** One end of a connection. */
export interface Endpoint {
  readonly ip: Ip
  readonly port: number
}

/** What a standard descriptor is open on. */
export interface StandardStream {
  /** st_mode of the inode. */
  readonly mode: number
  /** Address family of a socket, 0 for anything else. */
  readonly family: number
  /** Path, or the kernel's name of what has none; cut at 256 bytes. */
  readonly path: Str
  readonly local: Endpoint | undefined
  readonly remote: Endpoint | undefined
}

/** What was true of a process when it last replaced its image, or when the agent first saw it. */
export interface ExecFacts {
  /** RLIMIT_NOFILE. */
  readonly fdLimit: number
  readonly majorFaults: number
  readonly minorFaults: number
  /** KiB. */
  readonly vmSize: number
  /** KiB. */
  readonly vmRss: number
  /** KiB. */
  readonly vmSwap: number
  /** Start of the first process of the pid namespace, CLOCK_BOOTTIME ns; 0 when not known. */
  readonly pidnsStart: number
  /** Path in the v2 hierarchy; undefined when not known. */
  readonly cgroup: Str | undefined
  /** Path of the deepest v1 cgroup. */
  readonly cgroupV1: Str | undefined
  /** Standard input, output and error; undefined where closed. */
  readonly streams: readonly (StandardStream | undefined)[]
}

/** A process as fields see it. Values are the state when the event happened. */
export interface ProcessInfo {
  /** Initial pid namespace. */
  readonly pid: number
  /** Start, CLOCK_BOOTTIME ns. */
  readonly start: number
  /** True while the start time comes from /proc (10 ms ticks). */
  readonly coarse: boolean
  readonly ppid: number
  readonly vpid: number
  readonly pgid: number
  readonly vpgid: number
  readonly sid: number
  readonly pidns: number
  readonly mntns: number
  /** Name of the host where the process last executed something; undefined when it is not known. */
  readonly uts: Str | undefined
  /** Name of the main thread, at most 15 bytes (`proc.name`). */
  readonly comm: Str
  /** argv; empty for kernel threads. argv[0] is `proc.exe`. */
  readonly argv: readonly string[]
  /** Bytes argv had when it was cut, undefined when it is complete. */
  readonly argvCutFrom: number | undefined
  readonly env: readonly string[]
  /** Resolved path of the executable; empty when unknown or for a kernel thread. */
  readonly exePath: Str
  readonly exeIno: number
  /** EXE_FLAGS bits. */
  readonly exeFlags: number
  readonly exeCtime: bigint
  readonly exeMtime: bigint
  readonly cwd: Str
  /** Device number of the controlling terminal, 0 without one. */
  readonly tty: number
  readonly uid: number
  readonly gid: number
  /** -1 when never set. */
  readonly loginuid: number
  readonly capInheritable: number
  readonly capPermitted: number
  readonly capEffective: number
  /** Facts of the last exec; a forked child has those of its parent. */
  readonly image: ExecFacts | undefined
  /** First 12 characters of the container id, undefined on the host. */
  readonly containerId: string | undefined
  /** The container as its cgroup names it, undefined on the host. */
  readonly container: ContainerRef | undefined
  /**
   * One object for processes with the same name, arguments, executable, EXE_FLAGS and directory, for what is found out about
   * all of them; undefined until it is asked for again.
   */
  readonly look: Marked | undefined
  /** What records say about the process; of telemetry/process-text.ts. */
  told?: object | undefined
  /** Ends when the process does: an exited parent stays reachable for a while. */
  readonly parent: ProcessInfo | undefined
  /**
   * Text derived once from this process, by key; fields use it for what they compute (`proc.cmdline`). It may depend on
   * comm, argv and env only, and on what the key holds: whoever has the same of these shares it.
   */
  derived(key: string, make: () => string): Str
}

export interface Lookup {
  /** Name of a user of the host, undefined when it has none. */
  userName(uid: number): string | undefined
  groupName(gid: number): string | undefined
  userHome(uid: number): string | undefined
  userShell(uid: number): string | undefined
  /** Wall clock of a CLOCK_MONOTONIC time: ns since the epoch. */
  wallClock(monotonicNs: bigint): bigint
  /** CLOCK_BOOTTIME ns of a CLOCK_MONOTONIC time. */
  bootTime(monotonicNs: bigint): bigint
  readonly hostname: string
  /** Give Falco's value where it is wrong or narrower than the truth (docs/compat-falco.md). */
  readonly asFalco: boolean
  /** What a runtime told about the container with this full id; undefined while none has. */
  container(fullId: string): ContainerFacts | undefined
  /** Is any name known at all? */
  readonly hasNames: boolean
  /** Names with this address, among those that rules compare with. */
  namesOf(ip: Ip): readonly Str[]
  /** The `Str` of computed text. */
  intern(text: string): Str
}

/** Passed to every extractor of the syscall source. One object, refilled for each event. */
export interface SyscallContext {
  readonly event: EventView
  /** Process that made the event; undefined when the table has never heard of it. */
  readonly process: ProcessInfo | undefined
  readonly lookup: Lookup
  /** Running number of the event in this run, from 1 (`evt.num`). */
  readonly num: number
  /** CLOCK_MONOTONIC ns of the first event of this run, and of the event before this one. */
  readonly firstTime: number
  readonly previousTime: number
  /** Values computed once for each event, by key; cleared between events. */
  readonly memo: Map<string, unknown>
}
