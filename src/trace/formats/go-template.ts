/** The data of Tracee's templates: an event under the names of its Go structure. */
import { compileTemplate, openMap, type Value } from '../../outputs/template/index.ts'
import type { TraceRecord } from '../record.ts'

/** Throws TemplateError for a template that is none; the function it gives, for one that does not fit an event. */
export function eventTemplate(source: string): (record: TraceRecord) => string {
  const run = compileTemplate(source)
  return (record) => run(goEvent(record))
}

const goEvent = (record: TraceRecord): Value => ({
  Timestamp: record.timestamp,
  ProcessorID: record.processorId,
  ProcessID: record.processId,
  ThreadID: record.threadId,
  ParentProcessID: record.parentProcessId,
  HostProcessID: record.hostProcessId,
  HostThreadID: record.hostThreadId,
  HostParentProcessID: record.hostParentProcessId,
  UserID: record.userId,
  MountNS: record.mountNamespace,
  PIDNS: record.pidNamespace,
  ProcessName: record.processName,
  HostName: record.hostName,
  ContainerID: record.containerId,
  // A string in JSON alone.
  EventID: Number(record.eventId),
  EventName: record.eventName,
  ArgsNum: record.argsNum,
  ReturnValue: record.returnValue,
  StackAddresses: record.stackAddresses ?? [],
  Args: record.args.map(({ name, type, value }) => ({
    Name: name,
    Type: type,
    Value:
      typeof value === 'object' && !Array.isArray(value) ? openMap(value as Record<string, string>) : value,
  })) as Value,
})
