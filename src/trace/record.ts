/** An event in the flat shape of Tracee v0.7: what tables, JSON and templates are made of. */
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import { maskArguments, maskEnvironment } from '../outputs/masking.ts'
import type { ArgumentValue, TraceArgument } from './arguments.ts'
import { resultOf, type TraceEvent, threadInside } from './catalogue.ts'

export interface RecordArgument {
  readonly name: string
  readonly type: string
  readonly value: ArgumentValue
}

/** Keys and their order are Tracee's. */
export interface TraceRecord {
  /** ns: wall clock, or since the trace began. */
  readonly timestamp: bigint
  readonly processorId: number
  /** In the pid namespace of the process; 0 where it is not known. */
  readonly processId: number
  readonly threadId: number
  readonly parentProcessId: number
  /** In the initial pid namespace. */
  readonly hostProcessId: number
  readonly hostThreadId: number
  readonly hostParentProcessId: number
  readonly userId: number
  readonly mountNamespace: number
  readonly pidNamespace: number
  readonly processName: string
  readonly hostName: string
  readonly containerId: string
  readonly eventId: string
  readonly eventName: string
  readonly argsNum: number
  readonly returnValue: number
  readonly stackAddresses: null
  readonly args: readonly RecordArgument[]
}

export interface RecordOptions {
  /** Names of flags instead of numbers. */
  readonly parse: boolean
  /** Where Tracee has other words, have its words. */
  readonly asTracee: boolean
  /** Environments of executed programs. */
  readonly env: boolean
  /** Hide secrets in arguments and environments. */
  readonly mask: boolean
  /** CLOCK_MONOTONIC ns that times count from; undefined for the wall clock. */
  readonly since: bigint | undefined
}

/** Makes the record of an event. */
export function recordOf(ctx: SyscallContext, event: TraceEvent, options: RecordOptions): TraceRecord {
  const { event: view, process, lookup } = ctx
  const args = argumentsIn(ctx, event, options)
  return {
    timestamp: options.since === undefined ? lookup.wallClock(view.timeNs) : view.timeNs - options.since,
    processorId: view.cpu,
    processId: process?.vpid ?? 0,
    threadId: threadInside(ctx),
    parentProcessId: parentId(process),
    hostProcessId: view.pid,
    hostThreadId: view.tid,
    hostParentProcessId: process?.ppid ?? 0,
    userId: view.uid,
    mountNamespace: process?.mntns ?? 0,
    pidNamespace: process?.pidns ?? 0,
    processName: process?.comm.text ?? '',
    hostName: process?.uts?.text ?? lookup.hostname,
    containerId: process?.container?.fullId ?? '',
    eventId: String(event.id),
    eventName: event.name,
    argsNum: args.length,
    returnValue: event.succeeded ? 0 : resultOf(ctx),
    stackAddresses: null,
    args,
  }
}

const parentId = (process: ProcessInfo | undefined): number => {
  const parent = process?.parent
  return parent !== undefined && parent.pidns === process?.pidns ? parent.vpid : 0
}

function argumentsIn(ctx: SyscallContext, event: TraceEvent, options: RecordOptions): RecordArgument[] {
  const found: RecordArgument[] = []
  for (const argument of event.args) {
    if (argument.secrets === 'environment' && !options.env) continue
    const value = argument.value(ctx)
    if (value === undefined) continue
    const inWords = (options.asTracee && argument.traceeWords) || argument.words
    const words = options.parse ? inWords?.(ctx) : undefined
    const { name, type } = argument
    if (words === undefined) found.push({ name, type, value: masked(argument, value, options.mask) })
    // The text of an address stays one, and members are still a structure.
    else found.push({ name, type: isPointer(type) ? type : 'string', value: words })
  }
  return found
}

const isPointer = (type: string): boolean => type.endsWith('*')

function masked({ secrets }: TraceArgument, value: ArgumentValue, mask: boolean): ArgumentValue {
  if (!mask || secrets === undefined || !Array.isArray(value)) return value
  const words = value as readonly string[]
  return secrets === 'environment' ? maskEnvironment(words) : maskArguments(words)
}
