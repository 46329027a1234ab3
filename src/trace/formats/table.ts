/** Events as an aligned table: Tracee's columns. What could steer a terminal is made visible. */
import { printable } from '../../outputs/escape.ts'
import { valueText } from '../compile.ts'
import type { RecordArgument, TraceRecord } from '../record.ts'
import type { Printer } from './printer.ts'

interface Column {
  readonly heading: string
  readonly width: number
  readonly text: (record: TraceRecord) => string
}

const column = (heading: string, width: number, text: Column['text']): Column => ({ heading, width, text })

const CONTAINER_ID_SHOWN = 12

export interface TableOptions {
  readonly verbose: boolean
  /** A filter asks for containers: show theirs, and ids inside and outside of them. */
  readonly containers: boolean
  /** Times count from the beginning of the trace. */
  readonly relative: boolean
}

type Id = (record: TraceRecord) => number
const pair = (id: number): string => String(id).padEnd(7)

function columnsOf({ verbose, containers, relative }: TableOptions): readonly Column[] {
  const id = (heading: string, inside: Id, outside: Id): Column =>
    containers
      ? column(`${heading}/host`, 15, (r) => `${pair(inside(r))}/${pair(outside(r))}`)
      : column(heading, 7, (r) => String(outside(r)))
  const container = column('CONTAINER_ID', 13, (r) => r.containerId.slice(0, CONTAINER_ID_SHOWN))
  return [
    column('TIME', 16, ({ timestamp }) => (relative ? elapsed(timestamp) : timeOfDay(timestamp))),
    ...(verbose
      ? [
          column('UTS_NAME', 16, (r) => r.hostName),
          container,
          column('MNT_NS', 12, (r) => String(r.mountNamespace)),
          column('PID_NS', 12, (r) => String(r.pidNamespace)),
        ]
      : containers
        ? [container]
        : []),
    column('UID', 6, (r) => String(r.userId)),
    column('COMM', 16, (r) => r.processName),
    id(
      'PID',
      (r) => r.processId,
      (r) => r.hostProcessId,
    ),
    id(
      'TID',
      (r) => r.threadId,
      (r) => r.hostThreadId,
    ),
    ...(verbose
      ? [
          id(
            'PPID',
            (r) => r.parentProcessId,
            (r) => r.hostParentProcessId,
          ),
        ]
      : []),
    column('RET', 16, (r) => String(r.returnValue)),
    column('EVENT', 20, (r) => r.eventName),
    column('ARGS', 0, (r) => r.args.map(argumentText).join(', ')),
  ]
}

export function tablePrinter(options: TableOptions): Printer {
  const columns = columnsOf(options)
  const line = (cell: (column: Column) => string): string =>
    columns
      .map((one) => cell(one).padEnd(one.width))
      .join(' ')
      .trimEnd()
  return {
    begin: () => line(({ heading }) => heading),
    event: (record) => line(({ text }) => printable(text(record))),
    end: ({ events, errors, lost, refused }) =>
      `\nEnd of events stream\nStats: {EventCount:${events} ErrorCount:${errors} LostEvCount:${lost} LostWrCount:${refused} LostNtCount:0}`,
  }
}

const argumentText = ({ name, value }: RecordArgument): string => `${name}: ${valueText(value)}`

const pad = (value: number | bigint, width: number): string => String(value).padStart(width, '0')
const micros = (ns: bigint): string => pad((ns / 1000n) % 1_000_000n, 6)

/** `03:04:05:000006`, local time. */
function timeOfDay(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n))
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}:${micros(ns)}`
}

/** The same for a duration; hours may go beyond a day. */
function elapsed(ns: bigint): string {
  const seconds = ns / 1_000_000_000n
  return `${pad(seconds / 3600n, 2)}:${pad((seconds / 60n) % 60n, 2)}:${pad(seconds % 60n, 2)}:${micros(ns)}`
}
