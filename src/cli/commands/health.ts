/** `tarsier health`: what health records say, in words. */
import { createReadStream } from 'node:fs'
import { explainHealth, type Remark, type SomeHealth } from '../../health/explain.ts'
import { jsonLine, printable } from '../../outputs/escape.ts'
import { reasonOf } from '../../rules/file-error.ts'
import { type CliCommand, EXIT, type Io, UserError } from '../command.ts'
import { wrap } from '../table.ts'
import { linesOf } from './lines.ts'

const WIDTH = 100

export const healthCommand: CliCommand = {
  name: 'health',
  declare(command) {
    command
      .argument(
        '<file>',
        "NDJSON with health records among others, such as what the agent writes; '-' is stdin",
      )
      .addHelpText('after', '\nReads the records of the last run in the file. Other records are passed over.')
  },
  async run([file], options, io) {
    const { runs, unreadable } = await readRuns(file!, io)
    const records = runs.at(-1) ?? []
    if (records.length === 0)
      throw new UserError(
        `there are no health records in ${file === '-' ? 'stdin' : printable(file!)}`,
        'the agent writes them with its telemetry, every health.interval seconds and at its end',
      )
    const remarks = explainHealth(records)
    if (options.json)
      io.stdout.write(`${jsonLine({ records: records.length, runs: runs.length, remarks })}\n`)
    else io.stdout.write(page(remarks, runs.length, unreadable))
    return EXIT.ok
  },
}

interface Runs {
  /** Health records by run of the agent, in order. */
  readonly runs: readonly (readonly SomeHealth[])[]
  /** Lines that are no JSON. */
  readonly unreadable: number
}

/** A run ends where the uptime falls. */
async function readRuns(file: string, io: Io): Promise<Runs> {
  const runs: SomeHealth[][] = []
  let unreadable = 0
  let uptime = Number.POSITIVE_INFINITY
  for await (const line of linesIn(file, io)) {
    if (line.trim() === '') continue
    const record = parse(line)
    if (record === undefined) unreadable++
    else if (record['event_type'] === 'health') {
      const time = Number(record['uptime_secs'] ?? 0)
      if (time < uptime || runs.length === 0) runs.push([])
      uptime = time
      runs.at(-1)!.push(numbersOf(record))
    }
  }
  return { runs, unreadable }
}

async function* linesIn(file: string, io: Io): AsyncGenerator<string> {
  try {
    yield* linesOf(file === '-' ? io.stdin : createReadStream(file))
  } catch (error) {
    throw new UserError(`cannot read ${printable(file)}: ${reasonOf(error)}`)
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return undefined
  }
}

/** Fields of the right type; a file may say anything. */
function numbersOf(record: Readonly<Record<string, unknown>>): SomeHealth {
  const known = Object.entries(record).filter(([name, value]) => {
    if (name === 'latency_us') return isMapOf(value, (times) => isMapOf(times, isNumber) && hasTimes(times))
    if (name === 'kernel_drops' || name === 'enrichment') return isMapOf(value, isNumber)
    return isNumber(value)
  })
  return Object.fromEntries(known) as SomeHealth
}

const isNumber = (value: unknown): boolean => typeof value === 'number'
const isMapOf = (value: unknown, is: (item: unknown) => boolean): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every(is)
const hasTimes = (times: unknown): boolean =>
  ['samples', 'p50', 'p99', 'max'].every((name) => Object.hasOwn(times as object, name))

const SIGNS: Readonly<Record<Remark['level'], string>> = { ok: 'ok', note: '-', warning: '!' }

function page(remarks: readonly Remark[], runs: number, unreadable: number): string {
  const lines: string[] = []
  if (runs > 1) lines.push(`The file has ${runs} runs of the agent; this is the last.`)
  for (const { level, text, hint } of remarks) {
    const sign = SIGNS[level].padEnd(2)
    lines.push(...indent(wrap(printable(text), WIDTH), `${sign} `))
    if (hint !== undefined) lines.push(...indent(wrap(`to mend it: ${printable(hint)}`, WIDTH), '     '))
  }
  if (unreadable > 0) lines.push(`${unreadable} lines are no JSON and were passed over.`)
  return `${lines.join('\n')}\n`
}

const indent = (lines: readonly string[], first: string): string[] =>
  lines.map((line, i) => (i === 0 ? first : ' '.repeat(first.length)) + line)
