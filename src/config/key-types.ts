/** What kinds of configuration keys there are. A key carries its meaning, its unit and its bounds. */

interface KeyBase<T> {
  readonly doc: string
  readonly default: T
}

export interface BoolKey extends KeyBase<boolean> {
  readonly type: 'bool'
}
/** Bytes of a ring: a power of two. */
export interface BytesKey extends KeyBase<number> {
  readonly type: 'bytes'
  readonly min: number
  readonly max: number
}
/** A whole number of `unit`. */
export interface IntKey extends KeyBase<number> {
  readonly type: 'int'
  readonly min: number
  readonly max: number
  readonly unit: string
}
export interface TextKey extends KeyBase<string> {
  readonly type: 'text'
}
export interface ChoiceKey extends KeyBase<string> {
  readonly type: 'choice'
  readonly values: readonly string[]
  /** Other words that are taken, and what they stand for. */
  readonly also?: Readonly<Record<string, string>>
}
/** A list of texts: any, one of `values`, or absolute paths. */
export interface ListKey extends KeyBase<readonly string[]> {
  readonly type: 'list'
  readonly values?: readonly string[]
  /** What the values are, where there are too many to be listed. */
  readonly called?: string
  readonly paths?: true
}

/** A number that need not be whole. */
export interface NumberKey extends KeyBase<number> {
  readonly type: 'number'
  readonly min: number
  readonly max: number
}
/** A value as written: scalars are text, whatever they stand for. */
export type Structure = string | readonly Structure[] | { readonly [key: string]: Structure }
/** A value with parts of its own. */
export interface StructureKey<T extends object = object> extends KeyBase<T> {
  readonly type: 'structure'
  /** What it takes, in words. */
  readonly wanted: string
  /** The value of what was written. Throws StructureError for the part that is wrong. */
  readonly read: (written: Structure) => T
}

/** A part of a structured value is wrong: where in it (`[0].match.tags`), and what would do. */
export class StructureError extends Error {
  override readonly name = 'StructureError'
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** A setting that cannot be taken: names key, value and what would do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

export type KeyDecl = BoolKey | BytesKey | IntKey | NumberKey | TextKey | ChoiceKey | ListKey | StructureKey

/** The value of a key, whatever its kind. */
export type KeyValue = boolean | number | string | readonly string[] | object

export type ValueOf<D extends KeyDecl> = D['type'] extends 'bool'
  ? boolean
  : D['type'] extends 'bytes' | 'int' | 'number'
    ? number
    : D['type'] extends 'list'
      ? readonly string[]
      : D extends StructureKey<infer T>
        ? T
        : string

export const bool = (value: boolean, doc: string): BoolKey => ({ type: 'bool', default: value, doc })

export const text = (value: string, doc: string): TextKey => ({ type: 'text', default: value, doc })

export const choice = <const V extends string>(
  values: readonly V[],
  value: V,
  doc: string,
  also: Readonly<Record<string, NoInfer<V>>> = {},
): ChoiceKey & { values: readonly V[] } => ({ type: 'choice', values, default: value, doc, also })

export const bytes = (value: number, min: number, max: number, doc: string): BytesKey => ({
  type: 'bytes',
  default: value,
  min,
  max,
  doc,
})

export const int = (value: number, min: number, max: number, unit: string, doc: string): IntKey => ({
  type: 'int',
  default: value,
  min,
  max,
  unit,
  doc,
})

export const list = (value: readonly string[], doc: string): ListKey => ({
  type: 'list',
  default: value,
  doc,
})

/** Absolute paths. */
export const paths = (value: readonly string[], doc: string): ListKey => ({
  ...list(value, doc),
  paths: true,
})

/** Some of a fixed set of words; all of them by default. */
export const some = (values: readonly string[], doc: string): ListKey => ({ ...list(values, doc), values })

/** Some of a fixed set of words. */
export const words = (values: readonly string[], value: readonly string[], doc: string): ListKey => ({
  ...list(value, doc),
  values,
})

/** Some of many words: `called` says which. */
export const named = (values: readonly string[], called: string, doc: string): ListKey => ({
  ...list([], doc),
  values,
  called,
})

export const number = (value: number, min: number, max: number, doc: string): NumberKey => ({
  type: 'number',
  default: value,
  min,
  max,
  doc,
})

export const structure = <T extends object>(
  value: T,
  wanted: string,
  read: (written: Structure) => T,
  doc: string,
): StructureKey<T> => ({ type: 'structure', default: value, wanted, read, doc })
