/** `static.NAME`: fixed values from the configuration, in every source. */
import { Str } from '../decode/str.ts'
import { defineField, type FieldDef } from './field.ts'
import type { SourceDecl } from './index.ts'

/** What fields of fixed values are called. */
export const STATIC_PREFIX = 'static.'

const staticField = ([name, text]: readonly [string, string]): FieldDef => {
  const value = new Str(text)
  return defineField({
    name: STATIC_PREFIX + name,
    type: 'string',
    cost: 'free',
    doc: `Fixed value of static_fields: '${text}'.`,
    get: () => value,
  })
}

/** The sources with these values added to their fields; the same when there are none. */
export function withStaticFields(
  sources: ReadonlyMap<string, SourceDecl>,
  values: Readonly<Record<string, string>>,
): ReadonlyMap<string, SourceDecl> {
  const added = Object.entries(values).map(staticField)
  if (added.length === 0) return sources
  return new Map(
    [...sources].map(([name, source]) => [
      name,
      { ...source, fields: new Map([...source.fields, ...added.map((def) => [def.name, def] as const)]) },
    ]),
  )
}
