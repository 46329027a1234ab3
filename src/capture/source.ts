/**
 * What a capture is to the rest of the program, whatever its format: facts about the host it was made on, and everything a
 * pipeline is told, in order. `src/replay.ts` plays one into a pipeline.
 */
import type { CgroupAnswer, ContainerAnswer, NameAnswer } from '../decode/answers.ts'
import type { OpenFiles } from '../sources/kernel/inventory.ts'
import type { SourceSink } from '../sources/kernel/options.ts'

/** Everything a pipeline is told, by the kernel source and by those who answer questions. */
export interface PipelineSink extends SourceSink {
  /** Where a process that was moved is now. */
  cgroup(answer: CgroupAnswer): void
  /** What became of the question about a container. */
  container(answer: ContainerAnswer): void
  /** Addresses of a name. */
  name(answer: NameAnswer): void
  /** Nobody waits for names any more. */
  namesSettled(): void
}

/** What a capture tells beyond that. */
export interface CaptureSink extends PipelineSink {
  /** A container was asked about while the event that comes next was handled: was there anybody to ask? */
  asked(fullId: string, taken: boolean): void
  /** What came before this place, of events that rules see. */
  resume(before: Before): void
  /** What was mounted when the recording began, as /proc/PID/mountinfo has it. No pipeline asks for it. */
  mounts?(text: string): void
  /** What processes had open then; `leftOut` processes were not looked at. */
  files?(processes: readonly OpenFiles[], leftOut: number): void
  /** So many events that rules could see were passed over because nobody wants them, the last at this CLOCK_MONOTONIC ns. */
  passed?(events: number, last: number): void
  /** So many of them had this name. */
  counted?(name: string, events: number): void
}

const nothing = (): void => {}

/** Hears everything and does nothing. */
export const NOBODY: CaptureSink = {
  ...{ event: nothing, gap: nothing, clock: nothing, users: nothing, cgroup: nothing, container: nothing },
  ...{ name: nothing, namesSettled: nothing, asked: nothing, resume: nothing, error: nothing },
}

/** Events that were before some place: how many, and CLOCK_MONOTONIC ns of the first and the last. */
export interface Before {
  readonly events: number
  readonly first: number
  readonly last: number
}

/** Who made a capture, and where. */
export interface CaptureFacts {
  readonly hostname: string
  readonly hostId: string
  readonly bootId: string
  /** Kernel release and machine, as uname(1) has them; empty when not known. */
  readonly kernel: string
  readonly machine: string
  readonly cpus: number
  /** Ns since the epoch. */
  readonly created: bigint
  /** Version of the program that wrote it. */
  readonly writer: string
  /** Process id of the agent that recorded it, 0 when there was none. */
  readonly agent: number
  /** Names that resolvers were asked for: until they were answered, rules wait for them. */
  readonly names: boolean
  /** Beginnings and ends of containers are among its events: none has to be derived of others. */
  readonly derived?: boolean
  /** What it was asked to hold, in the words of the user; empty for everything. */
  readonly expression: string
}

/** A capture that is being read. */
export interface Capture {
  /** Name of the format: `tarsier`. */
  readonly format: string
  readonly facts: CaptureFacts
  /** Bytes read so far, and those there are. */
  readonly progress: { readonly done: number; readonly total: number }
  /** What was found on the way that a reader should know: an end in the middle of a block, events that are unknown here. */
  readonly notes: readonly string[]
  /**
   * Go to the last place before which nothing has to be read for what comes after `wallNs` (ns since the epoch). Formats
   * without such places stay where they are. Only before the first `play`.
   */
  seek(wallNs: bigint): void
  /**
   * Pass over events of other names than these, or of none; what they change is taken note of, and how many they are. Formats
   * that cannot tell before they have read an event tell all.
   */
  want?(names: ReadonlySet<string> | undefined): void
  /** Have at hand what the next piece takes. */
  ready?(): Promise<void>
  /** Hand on the next piece, some thousand events; false when there is none. Throws CaptureError. */
  play(sink: CaptureSink): boolean
  close(): void
}

/** How a file ends: closed, or at the end of a block (it grows, or whoever wrote it was killed), or within one. */
export type Ending = 'closed' | 'open' | 'torn'

/** What is in a capture. */
export interface CaptureSummary {
  /** Name of the format. */
  readonly format: string
  readonly facts: CaptureFacts
  readonly bytes: number
  readonly blocks: number
  /** Ns since the epoch of the earliest and latest event; undefined without any. */
  readonly first: bigint | undefined
  readonly last: bigint | undefined
  /** Events by name, most frequent first; names are those of the capture's own schema. */
  readonly events: ReadonlyMap<string, number>
  readonly total: number
  /** Events lost while it was recorded. */
  readonly lost: number
  readonly ending: Ending
  readonly notes: readonly string[]
  /** What stopped the reading. */
  readonly fault: CaptureError | undefined
}

/** A capture cannot be read on from here. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError'
  /** Byte of the file. */
  readonly offset: number
  readonly hint: string | undefined
  constructor(message: string, offset: number, hint?: string) {
    super(message)
    this.offset = offset
    this.hint = hint
  }
}
