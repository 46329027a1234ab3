/** `tarsier trace --list`: all events with sets and typed arguments, in two sections as Tracee lists them. */
import { jsonLine } from '../../outputs/escape.ts'
import { TRACE_EVENTS, type TraceEvent } from '../../trace/catalogue.ts'

const NAME_WIDTH = 24
const SETS_WIDTH = 40

const argumentsText = ({ args }: TraceEvent): string =>
  `(${args.map(({ type, name }) => `${type} ${name}`).join(', ')})`

const line = (event: TraceEvent): string =>
  `${event.name.padEnd(NAME_WIDTH)} [${event.sets.join(', ')}]`.padEnd(NAME_WIDTH + SETS_WIDTH) +
  ` ${argumentsText(event)}`

const section = (title: string, events: readonly TraceEvent[]): string =>
  [
    `${title}:`.padEnd(NAME_WIDTH) + ' Sets:'.padEnd(SETS_WIDTH) + ' Arguments:',
    ...events.map(line),
    '',
  ].join('\n')

export function traceeList(): string {
  const all = [...TRACE_EVENTS.values()]
  const calls = all.filter(({ isSyscall }) => isSyscall)
  const others = all.filter(({ isSyscall }) => !isSyscall)
  return `${section('System Calls', calls)}\n${section('Other Events', others)}`
}

/** The same as a JSON array. */
export const traceeListJson = (): string =>
  `${jsonLine(
    [...TRACE_EVENTS.values()].map(({ name, id, isSyscall, sets, doc, args }) => ({
      ...{ name, id, syscall: isSyscall, sets, doc },
      arguments: args.map((argument) => ({ name: argument.name, type: argument.type, doc: argument.doc })),
    })),
  )}\n`
