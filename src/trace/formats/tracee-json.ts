/**
 * Tracee's JSON: one flat object a line. Losses and the end of the stream are objects of the same shape with names of
 * their own, so that a reader sees them without knowing us.
 */
import { encodeText, isLossy } from '../../decode/str.ts'
import { visibleBytes } from '../../outputs/escape.ts'
import { type Json, toJson } from '../../outputs/formats/json.ts'
import type { ArgumentValue } from '../arguments.ts'
import type { RecordArgument, TraceRecord } from '../record.ts'
import type { Printer } from './printer.ts'

/** Names of what is told beside events. */
const LOST_EVENTS = 'lost_events'
const HELD_BACK = 'events_held_back'
const END_OF_STREAM = 'end_of_stream'

export const traceeJsonPrinter = (hostName: string): Printer => {
  const note = (eventName: string, timestamp: bigint, args: readonly RecordArgument[]): string =>
    toJson({ ...NOBODY, timestamp, hostName, eventName, argsNum: args.length, args: args.map(argumentJson) })
  const count = (name: string, value: number): RecordArgument => ({ name, type: 'u64', value })
  return {
    event: (record) =>
      toJson({
        ...record,
        processName: visibleBytes(record.processName),
        hostName: visibleBytes(record.hostName),
        args: record.args.map(argumentJson),
        // The exact bytes of names that are not UTF-8; no other key is ever added.
        ...(isLossy(record.processName) ? { processName_b64: base64(record.processName) } : {}),
        ...(isLossy(record.hostName) ? { hostName_b64: base64(record.hostName) } : {}),
      }),
    loss: ({ ring, cpu, lost, from, to, by }, timestamp) =>
      note(LOST_EVENTS, timestamp, [
        count('count', lost),
        { name: 'ring', type: 'const char*', value: ring },
        count('cpu', cpu),
        count('from', from),
        count('to', to),
        { name: 'by', type: 'const char**', value: [...by].map(([what, n]) => `${what}: ${n}`) },
      ]),
    throttle: ({ state, cgroup, cgroupV1, count: held }, timestamp) =>
      note(HELD_BACK, timestamp, [
        { name: 'state', type: 'const char*', value: state },
        count('cgroup_id', cgroup),
        count('cgroup_v1_id', cgroupV1),
        count('count', held),
      ]),
    end: ({ events, errors, lost, refused }, timestamp) =>
      note(END_OF_STREAM, timestamp, [
        count('events', events),
        count('errors', errors),
        count('lost', lost),
        count('refused', refused),
      ]),
  }
}

/** The process of a record that is about none. */
const NOBODY: Omit<TraceRecord, 'args'> = {
  timestamp: 0n,
  processorId: 0,
  processId: 0,
  threadId: 0,
  parentProcessId: 0,
  hostProcessId: 0,
  hostThreadId: 0,
  hostParentProcessId: 0,
  userId: 0,
  mountNamespace: 0,
  pidNamespace: 0,
  processName: '',
  hostName: '',
  containerId: '',
  eventId: '-1',
  eventName: '',
  argsNum: 0,
  returnValue: 0,
  stackAddresses: null,
}

/** The exact bytes of what is not UTF-8 stand beside it. */
function argumentJson({ name, type, value }: RecordArgument): Json {
  const bytes = bytesOf(value)
  return { name, type, value: shown(value), ...(bytes === undefined ? {} : { value_b64: bytes }) }
}

function shown(value: ArgumentValue): Json {
  if (typeof value === 'string') return visibleBytes(value)
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item: string | number) => shown(item))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]))
}

const base64 = (text: string): string => Buffer.from(encodeText(text)).toString('base64')

function bytesOf(value: ArgumentValue): Json | undefined {
  if (typeof value === 'string') return isLossy(value) ? base64(value) : undefined
  if (typeof value !== 'object') return undefined
  const texts = Object.entries(value).filter(([, text]) => typeof text === 'string' && isLossy(text))
  if (texts.length === 0) return undefined
  return Object.fromEntries(texts.map(([key, text]) => [key, base64(text as string)]))
}
