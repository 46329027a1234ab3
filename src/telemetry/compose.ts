/** From columns to a line: what is always the same is one piece of bytes, what depends on the process is kept with it. */
import type { NumberPlaces } from '../decode/event-view.ts'
import type { Line } from '../outputs/line.ts'
import {
  type Column,
  isUsual,
  keyOf,
  type ProcessColumn,
  type Row,
  type Texts,
  type ThreadColumn,
} from './column.ts'
import type { ProcessTexts } from './process-text.ts'
import { writeNumberAt } from './text.ts'

export type RowWriter = (out: Line, row: Row) => void

/** What a line is made of: text that is the same in every line, a number of the event, or what writes the rest. */
export type Part = string | NumberPlaces | RowWriter

const NOTHING: RowWriter = () => {}

/** Parts as one function: neighbouring texts become one piece. */
export function compose(parts: readonly Part[]): RowWriter {
  const pieces: Buffer[] = []
  const steps: Exclude<Part, string>[] = []
  let text = ''
  for (const part of [...parts, NOTHING]) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    pieces.push(Buffer.from(text))
    steps.push(part)
    text = ''
  }
  return (out, row) => {
    const { event } = row.ctx
    for (let i = 0; i < pieces.length; i++) {
      out.raw(pieces[i]!)
      const step = steps[i]!
      if (typeof step === 'function') step(out, row)
      else writeNumberAt(out, event, step)
    }
  }
}

/** The same of records that come in two ways: one function for the usual ones, one for all others, each made when needed. */
export function composeBoth(partsFor: (usual: boolean) => readonly Part[]): RowWriter {
  let usual: RowWriter | undefined
  let other: RowWriter | undefined
  return (out, row) => {
    if (isUsual(row)) {
      usual ??= compose(partsFor(true))
      usual(out, row)
    } else {
      other ??= compose(partsFor(false))
      other(out, row)
    }
  }
}

export interface PartsOptions {
  readonly texts: Texts
  readonly processes: ProcessTexts
  /** For usual records: what is the same in those is text. */
  readonly usual: boolean
}

/** Columns as parts, each `,"name":value`: neighbours that depend on the process alone share a text that is kept. */
export function partsOf(
  columns: readonly Column[],
  { texts, processes, usual }: PartsOptions,
): readonly Part[] {
  const parts: Part[] = []
  for (let i = 0; i < columns.length; ) {
    const column = columns[i]!
    if (column.of === 'process' || column.of === 'thread') {
      const end = columns.findIndex(({ of }, at) => at > i && of !== 'process' && of !== 'thread')
      const run = columns.slice(i, end < 0 ? undefined : end) as readonly (ProcessColumn | ThreadColumn)[]
      parts.push(...whoParts(run, texts, processes))
      i += run.length
      continue
    }
    i++
    if (usual && column.usual === '') continue
    if (column.optional !== true) parts.push(keyOf(column.name))
    parts.push(usual && column.usual !== undefined ? column.usual : partOf(column, texts))
  }
  return parts
}

/** Those of a thread stand before those of its process. */
function whoParts(
  run: readonly (ProcessColumn | ThreadColumn)[],
  texts: Texts,
  processes: ProcessTexts,
): readonly Part[] {
  const block = (columns: readonly ProcessColumn[]): RowWriter => {
    const number = processes.block(columns, texts)
    return (out, row) => processes.write(out, row.ctx.process, number)
  }
  const ofThread = run.filter((column) => column.of === 'thread')
  const ofProcess = run.filter((column) => column.of === 'process')
  const parts = ofThread.flatMap(({ name, places }): Part[] => [keyOf(name), places])
  if (ofProcess.length > 0) parts.push(block(ofProcess))
  if (ofThread.length === 0) return parts
  const first = block([...ofThread.map(({ ofFirst }) => ofFirst), ...ofProcess])
  const any = compose(parts)
  return [(out, row) => (isFirstThread(row) ? first(out, row) : any(out, row))]
}

const isFirstThread = ({ ctx: { event, process } }: Row): boolean =>
  process !== undefined && event.tid === process.pid && event.pid === process.pid && event.uid === process.uid

function partOf(column: Exclude<Column, ProcessColumn | ThreadColumn>, texts: Texts): Part {
  switch (column.of) {
    case 'nothing':
      return JSON.stringify(column.value)
    case 'number':
      return column.places
    case 'row':
      return (out, row) => column.write(out, row, texts)
    default:
      return column satisfies never
  }
}
