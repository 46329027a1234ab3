/**
 * The part of JSON Schema (draft 2020-12) that the published record schemas use, and a validator for just that part:
 * tests check real records against the schemas that users get.
 */
export interface JsonSchema {
  readonly $schema?: string
  readonly $id?: string
  readonly title?: string
  readonly description?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly type?: JsonType | readonly JsonType[]
  readonly const?: string | number | boolean
  readonly enum?: readonly (string | number | null)[]
  readonly pattern?: string
  readonly minimum?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly required?: readonly string[]
  readonly oneOf?: readonly JsonSchema[]
}

export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'object' | 'array'

export const text = (description: string): JsonSchema => ({ type: 'string', description })
export const int = (description: string): JsonSchema => ({ type: 'integer', description })
export const count = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description })
export const number = (description: string): JsonSchema => ({ type: 'number', description })
export const bool = (description: string): JsonSchema => ({ type: 'boolean', description })
export const list = (items: JsonSchema, description: string): JsonSchema => ({
  type: 'array',
  items,
  description,
})
export const constant = (value: string | number, description: string): JsonSchema => ({
  const: value,
  description,
})
export const oneOfTexts = (values: readonly string[], description: string): JsonSchema => ({
  enum: values,
  description,
})
const RFC3339 = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$'
export const time = (description: string): JsonSchema => ({ type: 'string', pattern: RFC3339, description })
/** The same, or null. */
export const orNull = (schema: JsonSchema): JsonSchema =>
  schema.enum !== undefined
    ? { ...schema, enum: [...schema.enum, null] }
    : { ...schema, type: [...[schema.type!].flat(), 'null'] }

/** Exact bytes beside a text that is not UTF-8. */
const BYTES: JsonSchema = {
  type: ['string', 'array'],
  description: 'base64 of the exact bytes of the text of that name; for a list, null where the text is UTF-8',
}

/** An object of exactly these keys, all of them present but for `optional`. */
export function record(
  properties: Readonly<Record<string, JsonSchema>>,
  {
    optional = [],
    description,
  }: { readonly optional?: readonly string[]; readonly description?: string } = {},
): JsonSchema {
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    properties,
    patternProperties: { _b64$: BYTES },
    additionalProperties: false,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  }
}

/** What is wrong with a value, as `path: complaint`; empty when it is valid. */
export function validate(schema: JsonSchema, value: unknown, root = schema, path = '$'): string[] {
  if (schema.$ref !== undefined) return validate(referenced(schema.$ref, root), value, root, path)
  const fail = (what: string): string => `${path}: ${what}`
  const errors: string[] = []
  if (schema.type !== undefined && !matchesType(schema.type, value))
    return [fail(`${shown(value)} is not ${[schema.type].flat().join(' or ')}`)]
  if (schema.const !== undefined && value !== schema.const)
    errors.push(fail(`${shown(value)} is not ${shown(schema.const)}`))
  if (schema.enum !== undefined && !schema.enum.includes(value as string))
    errors.push(fail(`${shown(value)} is none of ${shown(schema.enum)}`))
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    errors.push(fail(`${shown(value)} does not match ${schema.pattern}`))
  if (typeof value === 'number' && schema.minimum !== undefined && value < schema.minimum)
    errors.push(fail(`${value} is below ${schema.minimum}`))
  if (schema.items !== undefined && Array.isArray(value))
    for (const [i, item] of value.entries())
      errors.push(...validate(schema.items, item, root, `${path}[${i}]`))
  if (isObject(value)) errors.push(...validateObject(schema, value, root, path))
  if (schema.oneOf !== undefined) errors.push(...validateOneOf(schema.oneOf, value, root, path))
  return errors
}

function validateObject(
  schema: JsonSchema,
  value: Readonly<Record<string, unknown>>,
  root: JsonSchema,
  path: string,
): string[] {
  const errors: string[] = []
  for (const name of schema.required ?? [])
    if (!Object.hasOwn(value, name)) errors.push(`${path}: ${name} is missing`)
  for (const [name, item] of Object.entries(value)) {
    const own = schema.properties !== undefined && Object.hasOwn(schema.properties, name)
    const patterns = Object.entries(schema.patternProperties ?? {}).filter(([pattern]) =>
      new RegExp(pattern).test(name),
    )
    if (own) errors.push(...validate(schema.properties![name]!, item, root, `${path}.${name}`))
    for (const [, rule] of patterns) errors.push(...validate(rule, item, root, `${path}.${name}`))
    if (own || patterns.length > 0 || schema.additionalProperties === undefined) continue
    if (schema.additionalProperties === false) errors.push(`${path}: ${name} is not allowed`)
    else if (schema.additionalProperties !== true)
      errors.push(...validate(schema.additionalProperties, item, root, `${path}.${name}`))
  }
  return errors
}

function validateOneOf(
  choices: readonly JsonSchema[],
  value: unknown,
  root: JsonSchema,
  path: string,
): string[] {
  const results = choices.map((choice) => validate(choice, value, root, path))
  const valid = results.filter((errors) => errors.length === 0).length
  if (valid === 1) return []
  if (valid > 1) return [`${path}: ${valid} of the choices fit, not one`]
  const nearest = results.sort((a, b) => a.length - b.length)[0] ?? []
  return [`${path}: no choice fits; the nearest has`, ...nearest]
}

function referenced(ref: string, root: JsonSchema): JsonSchema {
  const name = ref.replace('#/$defs/', '')
  const schema = root.$defs?.[name]
  if (schema === undefined) throw new RangeError(`the schema has no definition '${ref}'`)
  return schema
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function matchesType(type: JsonType | readonly JsonType[], value: unknown): boolean {
  return [type].flat().some((one) => {
    switch (one) {
      case 'null':
        return value === null
      case 'array':
        return Array.isArray(value)
      case 'object':
        return isObject(value)
      case 'integer':
        return Number.isInteger(value)
      case 'string':
      case 'number':
      case 'boolean':
        return typeof value === one
      default:
        return one satisfies never
    }
  })
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'undefined'
