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
}
/** A list of texts: any, one of `values`, or absolute paths. */
export interface ListKey extends KeyBase<readonly string[]> {
  readonly type: 'list'
  readonly values?: readonly string[]
  readonly paths?: true
}

export type KeyDecl = BoolKey | BytesKey | IntKey | TextKey | ChoiceKey | ListKey

/** The value of a key, whatever its kind. */
export type KeyValue = boolean | number | string | readonly string[]

export type ValueOf<D extends KeyDecl> = D['type'] extends 'bool'
  ? boolean
  : D['type'] extends 'bytes' | 'int'
    ? number
    : D['type'] extends 'list'
      ? readonly string[]
      : string

export const bool = (value: boolean, doc: string): BoolKey => ({ type: 'bool', default: value, doc })

export const text = (value: string, doc: string): TextKey => ({ type: 'text', default: value, doc })

export const choice = <const V extends string>(
  values: readonly V[],
  value: V,
  doc: string,
): ChoiceKey & { values: readonly V[] } => ({ type: 'choice', values, default: value, doc })

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
