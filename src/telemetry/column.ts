/** What a column of a telemetry record is: a name, what it means, its JSON type and how its value is written. */
import type { NumberPlaces } from '../decode/event-view.ts'
import type { Alert } from '../detect/alert.ts'
import type { ProcessInfo, SyscallContext } from '../fields/context.ts'
import { rawResult } from '../fields/evt/result.ts'
import type * as json from '../outputs/json-schema.ts'
import type { Line } from '../outputs/line.ts'
import type { CompiledRule } from '../rules/ir.ts'
import type { TimeText } from './text.ts'

/** A rule that matched the event, and the alert it raised unless alerts are off. */
export interface Finding {
  readonly rule: CompiledRule<SyscallContext>
  readonly alert: Alert
}

/** What a record is written from; one object, refilled for each event. */
export interface Row {
  readonly ctx: SyscallContext
  readonly findings: readonly Finding[]
}

/** What writers share. */
export interface Texts {
  readonly time: TimeText
  readonly host: string
  /** Hide secrets in arguments and environments. */
  readonly mask: boolean
  /** Alerts are records of their own, whose ids may be named. */
  readonly alertRecords: boolean
}

interface ColumnBase {
  readonly name: string
  readonly schema: json.JsonSchema
  /** True: left out of records that have nothing to say. */
  readonly optional?: true
  /** The value, as JSON, in usual records: those of events that worked and matched no rule. Nothing where it is left out. */
  readonly usual?: string
}
/** The same in every record. */
export interface FixedColumn extends ColumnBase {
  readonly of: 'nothing'
  readonly value: string | boolean
}
/** Depends on the event. `write` gives the value; of an optional column `,"name":value` or nothing. */
export interface RowColumn extends ColumnBase {
  readonly of: 'row'
  write(out: Line, row: Row, texts: Texts): void
}
/** A number of the event; null where it has none. */
export interface NumberColumn extends ColumnBase {
  readonly of: 'number'
  readonly places: NumberPlaces
}
/** Depends on the process alone, so that its text is kept for the next event. `write` as above. */
export interface ProcessColumn extends ColumnBase {
  readonly of: 'process'
  write(out: Line, process: ProcessInfo | undefined, texts: Texts): void
}
/** A number of the event's thread, which for the first thread of a process follows from that. */
export interface ThreadColumn extends ColumnBase {
  readonly of: 'thread'
  readonly places: NumberPlaces
  readonly ofFirst: ProcessColumn
}
export type Column = FixedColumn | NumberColumn | RowColumn | ProcessColumn | ThreadColumn

/** Did the event work, and did no rule match it? */
export const isUsual = ({ ctx, findings }: Row): boolean =>
  findings.length === 0 && !((rawResult(ctx) ?? 0) < 0)

export const fixed = (name: string, schema: json.JsonSchema, value: string | boolean): FixedColumn => ({
  of: 'nothing',
  name,
  schema,
  value,
})
export const numberAt = (name: string, schema: json.JsonSchema, places: NumberPlaces): NumberColumn => ({
  of: 'number',
  name,
  schema,
  places,
})
export const row = (name: string, schema: json.JsonSchema, write: RowColumn['write']): RowColumn => ({
  of: 'row',
  name,
  schema,
  write,
})
export const ofProcess = (
  name: string,
  schema: json.JsonSchema,
  write: ProcessColumn['write'],
): ProcessColumn => ({
  of: 'process',
  name,
  schema,
  write,
})
export const ofThread = (
  name: string,
  schema: json.JsonSchema,
  places: NumberPlaces,
  ofFirst: (process: ProcessInfo) => number,
): ThreadColumn => ({
  of: 'thread',
  name,
  schema,
  places,
  ofFirst: ofProcess(name, schema, (out, process) => out.int(ofFirst(process!))),
})
export const usually = (usual: string, column: RowColumn): RowColumn => ({ ...column, usual })
export const optional = <C extends RowColumn | ProcessColumn>(column: C): C => ({ ...column, optional: true })

/** What stands before a value. */
export const keyOf = (name: string): string => `,"${name}":`
