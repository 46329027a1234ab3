/**
 * What a field is. A field is declared once, in `fields/<class>/`; the rule compiler, `tarsier fields`, output formats
 * and the docs all read the declaration.
 */
import type { KnownPaths } from '../decode/known-paths.ts'
import type { Marked, Str } from '../decode/str.ts'
import type { Ip } from './ip.ts'

/**
 * Type of a field's value, which decides its operators.
 * `string`, `path` and `buffer` (raw bytes, such as the data of a call) yield `Str`; `int`, `uint`, `port`, `double` yield number; `time` (ns since the epoch) and
 * `duration` (ns) yield bigint; `bool` yields boolean; `ip` and `net` yield `Ip`.
 */
export type ValueType =
  | 'string'
  | 'path'
  | 'buffer'
  | 'int'
  | 'uint'
  | 'double'
  | 'port'
  | 'time'
  | 'duration'
  | 'bool'
  | 'ip'
  | 'net'

export type Value = Str | number | bigint | boolean | Ip

/** What a field costs when a rule reads it: `free` is in the event, `state` a table look-up, `derived` builds text. */
export type Cost = 'free' | 'state' | 'derived'

/** Who is asked for what no event tells: runtimes about containers, resolvers about names. */
export type Enrichment = 'containers' | 'names'

/** How a field's argument looks: `proc.aname[2]` (index), `evt.arg.path` or `proc.env[HOME]` (key). */
export interface ArgDecl {
  readonly form: 'index' | 'key'
  readonly required: boolean
  readonly doc: string
}

/** A field bound to its argument: what evaluation calls. */
export interface Extractor<C> {
  /** The value to print; undefined when absent. A list field yields an array. */
  get(ctx: C): Value | readonly Value[] | undefined
  /**
   * All values a comparison looks at, where there is more than one reading (two spellings of a path, either end of a
   * connection, any ancestor). Absent means just `get`. Empty means absent.
   */
  readonly candidates?: (ctx: C) => readonly Value[]
  /** Where values stay the same from event to event: what is found out about them is remembered there. */
  readonly origin?: Origin<C>
  /** Which part of the origin's text the values are, where it has one. */
  readonly part?: 'whole' | 'directory' | 'base'
  /**
   * With `candidates`, what `!=` and other negative operators mean: `all` (the default) = no candidate is equal;
   * `any` = some candidate differs (proc.aname).
   */
  readonly negative?: 'all' | 'any'
  /** Event types that can carry the value, where the argument decides that. */
  readonly events?: readonly string[]
}

/** Where a text lies: bytes of `bytes` from `start` to `end`, which is not part of it. */
export interface Place {
  bytes: Uint8Array
  start: number
  end: number
}

/** What the values of some fields follow from; fields with the same origin share one. */
export interface Origin<C> {
  /**
   * Where the absolute, clean path lies that all values of fields with a `part` are, or are parts of; false when there is
   * none, or more than one spelling. Then `at` may hold anything.
   */
  readonly text?: (ctx: C, at: Place) => boolean
  /**
   * What `owner` kept for an event with the same values in the same case, as their records tell; undefined when nothing is
   * kept yet, null when records do not tell.
   */
  readonly recall?: <T extends object>(ctx: C, known: KnownPaths<T>, owner: number) => T | null | undefined
  /** Its values come with other origins as well: answers to them are remembered with strings. */
  readonly shares?: true
  /** Another object whenever the values may have changed; undefined when they follow from more than that. Never throws. */
  of(ctx: C): Marked | undefined
  /** Where something else of the event tells as well: which of so many cases it is, from 0. */
  readonly cases: number
  caseOf(ctx: C): number
}

export interface FieldDef<C = unknown> {
  /** Falco's name where Falco has it. */
  readonly name: string
  readonly type: ValueType
  /** The value is a list of `type`. */
  readonly list?: boolean
  readonly arg?: ArgDecl
  readonly doc: string
  readonly examples?: readonly string[]
  readonly cost: Cost
  /** Event types that can carry it; absent means all. A rule that needs the field is not indexed by it, only documented. */
  readonly events?: readonly string[]
  /** Old spelling that rules may still use, with the reason shown as a warning. */
  readonly deprecated?: string
  /** What the value waits for: somebody outside has to be asked first, and is only when a rule reads such a field. */
  readonly needs?: Enrichment
  /** Cannot be printed in an output format. */
  readonly filterOnly?: boolean
  /** Enumerated text values, for hints. */
  readonly values?: readonly string[]
  /** The same value as a number, for `<` and its like: without it text is in the order of its bytes. */
  readonly inOrder?: FieldDef<C>
  /**
   * Bind the argument (without brackets, undefined when none was written).
   * Throws FieldArgumentError with a message for the user when the argument makes no sense.
   */
  bind(arg: string | undefined): Extractor<C>
}

export class FieldArgumentError extends Error {
  override readonly name = 'FieldArgumentError'
}

/** Fields of one source, by name. */
export type FieldSet<C = unknown> = ReadonlyMap<string, FieldDef<C>>

/** A field without an argument. */
export const defineField = <C>(decl: Omit<FieldDef<C>, 'bind' | 'arg'> & Extractor<C>): FieldDef<C> => {
  const { get, candidates, origin, part, negative, ...rest } = decl
  const extractor: Extractor<C> = {
    get,
    ...(candidates === undefined ? {} : { candidates }),
    ...(origin === undefined ? {} : { origin }),
    ...(part === undefined ? {} : { part }),
    ...(negative === undefined ? {} : { negative }),
  }
  return { ...rest, bind: () => extractor }
}

/** A field with an argument. */
export const defineFieldWithArg = <C>(decl: FieldDef<C> & { readonly arg: ArgDecl }): FieldDef<C> => decl
