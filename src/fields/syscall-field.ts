/** Shorthands for declaring fields of the syscall source. */
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import type { Str } from '../decode/str.ts'
import type { ProcessInfo, SyscallContext } from './context.ts'
import { defineField, type Extractor, FieldArgumentError, type FieldDef, type Origin } from './field.ts'

export type SyscallField = FieldDef<SyscallContext>

/** Ancestors looked at before a walk gives up: deeper trees than this do not occur, loops must end. */
export const MAX_ANCESTORS = 64

/** A field of the syscall source without an argument. */
export const field = (decl: Omit<SyscallField, 'bind' | 'arg'> & Extractor<SyscallContext>): SyscallField =>
  defineField<SyscallContext>(decl)

/** A field that reads the process of the event; absent when the process is unknown. */
export const processField = (
  decl: Omit<SyscallField, 'bind' | 'arg' | 'cost'> & {
    readonly cost?: SyscallField['cost']
    readonly origin?: Origin<SyscallContext>
    readonly of: (process: ProcessInfo, ctx: SyscallContext) => ReturnType<Extractor<SyscallContext>['get']>
  },
): SyscallField => {
  const { of, ...rest } = decl
  return field({
    cost: 'state',
    ...rest,
    get: (ctx) => (ctx.process === undefined ? undefined : of(ctx.process, ctx)),
  })
}

/** What follows from name, arguments, executable, EXE_FLAGS and directory of the process alone. */
export const LOOK: Origin<SyscallContext> = {
  of: ({ process }) => process?.look,
  cases: 1,
  caseOf: () => 0,
  shares: true,
}

/** Names of the events of some families, for fields that no other event has. */
export const eventsOf = (...families: readonly string[]): readonly string[] =>
  PUBLIC_EVENT_TYPES.filter((type) => families.includes(type.family.name)).map((type) => type.name)

/** The same fields, said to be of these events only. */
export const only = (events: readonly string[], fields: readonly SyscallField[]): readonly SyscallField[] =>
  fields.map((field) => ({ ...field, events }))

/** The value kept under `key` for this event, made when it is first asked for. */
export function once<T>(ctx: SyscallContext, key: string, make: () => T): T {
  const { memo } = ctx
  const known = memo.get(key)
  if (known !== undefined || memo.has(key)) return known as T
  const value = make()
  memo.set(key, value)
  return value
}

/** Text as a value: empty text is a value, undefined is not. */
export const textOf = (ctx: SyscallContext, text: string | undefined): Str | undefined =>
  text === undefined ? undefined : ctx.lookup.intern(text)

/** Parse `[n]`; throws FieldArgumentError when it is no whole number in range. */
export function parseIndex(name: string, arg: string, max: number): number {
  if (!/^\d{1,9}$/.test(arg))
    throw new FieldArgumentError(`${name}[${arg}]: the argument must be a whole number from 0`)
  const index = Number(arg)
  if (index > max) throw new FieldArgumentError(`${name}[${arg}]: the index must be at most ${max}`)
  return index
}

/** The process `steps` above: 0 is the process itself, 1 its parent. */
export function ancestor(process: ProcessInfo | undefined, steps: number): ProcessInfo | undefined {
  let at = process
  for (let i = 0; i < steps && at !== undefined; i++) at = at.parent
  return at
}

/** Parent, its parent and so on; the process itself is not among them. */
export function ancestorsOf(process: ProcessInfo | undefined): readonly ProcessInfo[] {
  const list: ProcessInfo[] = []
  let at = process?.parent
  while (at !== undefined && at !== process && list.length < MAX_ANCESTORS) {
    list.push(at)
    at = at.parent
  }
  return list
}

/** Ancestors of the event's process, walked once for each event. */
export const ancestors = (ctx: SyscallContext): readonly ProcessInfo[] =>
  once(ctx, 'ancestors', () => ancestorsOf(ctx.process))
