/** From columns to a line: what is always the same is one piece of bytes, what depends on the process is kept with it. */
import type { Line } from '../outputs/line.ts'
import { type Column, keyOf, type ProcessColumn, type Row, type Texts } from './columns.ts'
import type { ProcessTexts } from './process-text.ts'

export type RowWriter = (out: Line, row: Row) => void

/** What a line is made of: text that is the same in every line, or what writes the rest. */
export type Part = string | RowWriter

const NOTHING: RowWriter = () => {}

/** Parts as one function: neighbouring texts become one piece. */
export function compose(parts: readonly Part[]): RowWriter {
  const pieces: Buffer[] = []
  const writers: RowWriter[] = []
  let text = ''
  const add = (writer: RowWriter): void => {
    pieces.push(Buffer.from(text))
    writers.push(writer)
    text = ''
  }
  for (const part of parts)
    if (typeof part === 'string') text += part
    else add(part)
  if (text !== '') add(NOTHING)
  return (out, row) => {
    for (let i = 0; i < pieces.length; i++) {
      out.raw(pieces[i]!)
      writers[i]!(out, row)
    }
  }
}

/** Columns as parts, each `,"name":value`: neighbours that depend on the process alone share a text that is kept. */
export function partsOf(columns: readonly Column[], texts: Texts, processes: ProcessTexts): readonly Part[] {
  const parts: Part[] = []
  for (let i = 0; i < columns.length; ) {
    const column = columns[i]!
    if (column.of === 'process') {
      const end = columns.findIndex(({ of }, at) => at > i && of !== 'process')
      const run = columns.slice(i, end < 0 ? undefined : end) as readonly ProcessColumn[]
      const block = processes.block((out, process) => {
        for (const one of run) {
          if (one.optional !== true) out.ascii(keyOf(one.name))
          one.write(out, process, texts)
        }
      })
      parts.push((out, row) => processes.write(out, row.ctx.process, block))
      i += run.length
      continue
    }
    if (column.optional !== true) parts.push(keyOf(column.name))
    parts.push(
      column.of === 'row' ? (out, row) => column.write(out, row, texts) : JSON.stringify(column.value),
    )
    i++
  }
  return parts
}
