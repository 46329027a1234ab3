/** `tarsier capture`: about captures. */
import type { Command } from 'commander'
import type { CaptureSummary } from '../../capture/source.ts'
import { summariseCapture } from '../../capture/summary.ts'
import { printable } from '../../outputs/escape.ts'
import { isoTime } from '../../outputs/formats/time.ts'
import { captureFault } from '../captures.ts'
import { type CliCommand, EXIT, type ExitCode, type Io } from '../command.ts'
import { formatTable } from '../table.ts'
import { captureConvert, declareConvert } from './capture-convert.ts'
import { captureState } from './capture-state.ts'

export const captureCommand: CliCommand = {
  name: 'capture',
  declare(command: Command): void {
    command
      .command('info')
      .description('time span, host, events by type, losses inside')
      .argument('<file>', "capture that 'tarsier record' made, a scap file, or Tracee's JSON")
    command
      .command('state')
      .description('processes, mounts and open files when the recording began')
      .argument('<file>', "capture that 'tarsier record' made")
    declareConvert(command)
  },
  async run([action, file, to], options, io) {
    if (action === 'state') return captureState(file!, options.json, io)
    if (action === 'convert') return captureConvert(file!, to!, options['compress'] === true, io)
    return info(file!, options.json, io)
  },
}

async function info(file: string, json: boolean, io: Io): Promise<ExitCode> {
  let summary: CaptureSummary
  try {
    summary = await summariseCapture(file)
  } catch (error) {
    throw captureFault(file, error)
  }
  io.stdout.write(json ? `${jsonText(asJson(summary))}\n` : asText(summary))
  if (summary.fault !== undefined) throw captureFault(file, summary.fault)
  return EXIT.ok
}

/** Text of a file can hold what steers a terminal. */
const jsonText = (value: object): string =>
  JSON.stringify(value, (_key, text) => (typeof text === 'string' ? printable(text) : text), 2)

/** Null without a time, and for one that no calendar has: a file may say anything. */
const timeOf = (ns: bigint | undefined): string | null =>
  ns === undefined || ns < 0n || ns > LAST_NS ? null : isoTime(ns)
/** The last day that Date has. */
const LAST_NS = 8_640_000_000_000_000_000_000n

const asJson = ({ facts, first, last, events, fault, ...rest }: CaptureSummary): object => ({
  ...facts,
  created: timeOf(facts.created),
  first: timeOf(first),
  last: timeOf(last),
  ...rest,
  events: Object.fromEntries([...events].map(([name, count]) => [printable(name), count])),
  error: fault === undefined ? null : { offset: fault.offset, message: fault.message },
})

function asText({
  format,
  facts,
  first,
  last,
  events,
  total,
  lost,
  bytes,
  blocks,
  ending,
  notes,
}: CaptureSummary): string {
  const seconds = first === undefined || last === undefined ? 0 : Number(last - first) / 1e9
  const rows = [
    ['format', format],
    ...(format === 'tarsier' ? hostRows(facts) : machineRows(facts)),
    ['first event', timeOf(first) ?? 'none'],
    ['last event', timeOf(last) ?? 'none'],
    ['span', `${seconds.toFixed(3)} s`],
    [
      'size',
      `${bytes} bytes${blocks === 0 ? '' : ` in ${blocks} blocks`}, ${ending === 'closed' ? 'closed' : 'not closed'}`,
    ],
    ['events', String(total)],
    ['lost', String(lost)],
    ...notes.map((note) => ['note', note]),
  ]
  const counts = [...events].map(([name, count]) => [name, String(count)])
  return `${formatTable(['capture', ''], rows)}\n${formatTable(['event', 'count'], counts)}`
}

const hostRows = (facts: CaptureSummary['facts']): string[][] => [
  ['host', `${facts.hostname} (id ${facts.hostId}, boot ${facts.bootId})`],
  ['kernel', `${facts.kernel} ${facts.machine}, ${facts.cpus} CPUs`],
  ['written by', `tarsier ${facts.writer}`],
  ['recorded', facts.expression === '' ? 'everything the agent was sent' : facts.expression],
]

/** Other formats do not say who wrote them. */
const machineRows = (facts: CaptureSummary['facts']): string[][] => [
  ['host', `${facts.hostname}${facts.cpus === 0 ? '' : `, ${facts.cpus} CPUs`}`],
]
