/** The configuration in force for people and programs: every key, its value, and where that comes from. */
import type { Effective, Origin } from './effective.ts'
import type { KeyDecl, KeyValue } from './key-types.ts'
import { KEYS, type KeyName } from './keys.ts'

export interface ShownKey {
  readonly key: KeyName
  readonly value: KeyValue
  readonly origin: Origin
  readonly decl: KeyDecl
}

/** Every key, in the order of the documentation. */
export const shownKeys = ({ config, origins }: Effective): readonly ShownKey[] =>
  (Object.keys(KEYS) as KeyName[]).map((key) => ({
    key,
    value: config[key],
    origin: origins.get(key)!,
    decl: KEYS[key],
  }))

/** Where a value comes from, in words. */
export function originText(origin: Origin): string {
  switch (origin.from) {
    case 'default':
      return 'default'
    case 'file':
      return `${origin.span.file}:${origin.span.line}:${origin.span.column}`
    case 'option':
      return `-o ${origin.text}`
    case 'environment':
      return `environment ${origin.name}`
    case 'format':
      return `${origin.name} default`
    case 'falco':
      return 'usual files of Falco'
    case 'key':
      return `follows from ${origin.key}`
    default:
      return origin satisfies never
  }
}

/** A value as text: lists in brackets, nothing as a dash. */
export function valueText(value: KeyValue): string {
  if (typeof value === 'object')
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? `[${value.join(', ')}]`
      : JSON.stringify(value)
  return value === '' ? '-' : String(value)
}

/** The same for programs. */
export const shownJson = (keys: readonly ShownKey[]): object =>
  Object.fromEntries(
    keys.map(({ key, value, origin }) => {
      const place =
        origin.from === 'file'
          ? { file: origin.span.file, line: origin.span.line, column: origin.span.column }
          : origin.from === 'environment'
            ? { variable: origin.name }
            : origin.from === 'key'
              ? { key: origin.key }
              : {}
      return [key, { value, origin: { from: origin.from, ...place } }]
    }),
  )
