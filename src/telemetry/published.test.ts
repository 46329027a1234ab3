import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type JsonSchema, validate } from '../outputs/json-schema.ts'
import { publishedSchemas } from './published.ts'

const FOLDER = join(import.meta.dirname, '../../schema/records')

// After a deliberate change: UPDATE_SCHEMAS=1 node --test src/telemetry/published.test.ts
if (process.env['UPDATE_SCHEMAS'] === '1')
  for (const [name, schema] of publishedSchemas())
    writeFileSync(join(FOLDER, name), `${JSON.stringify(schema, undefined, 2)}\n`)

for (const [name, schema] of publishedSchemas())
  test(`schema/records/${name} is what the records are`, () => {
    const file: JsonSchema = JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))
    assert.deepEqual(file, JSON.parse(JSON.stringify(schema)))
  })

test('there are no other schemas', () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), [...publishedSchemas().keys()].sort())
})

const SCHEMA: JsonSchema = {
  type: 'object',
  properties: { a: { type: ['integer', 'null'], minimum: 1 }, b: { $ref: '#/$defs/word' }, c: { const: 1 } },
  patternProperties: { _b64$: { type: 'string' } },
  additionalProperties: false,
  required: ['a'],
  $defs: { word: { type: 'string', pattern: '^[a-z]+$' } },
}
const valid = (value: unknown, schema = SCHEMA): void => {
  test(`valid ${JSON.stringify(value)}`, () => assert.deepEqual(validate(schema, value), []))
}
const invalid = (value: unknown, complaint: RegExp, schema = SCHEMA): void => {
  test(`invalid ${JSON.stringify(value)}`, () => assert.match(validate(schema, value).join('\n'), complaint))
}
valid({ a: 1 })
valid({ a: null, b: 'x', c: 1, b_b64: 'eA==' })
invalid({}, /a is missing/)
invalid({ a: 0 }, /0 is below 1/)
invalid({ a: 1.5 }, /\$\.a: 1\.5 is not integer or null/)
invalid({ a: 1, b: 'X' }, /\$\.b: "X" does not match/)
invalid({ a: 1, c: 2 }, /2 is not 1/)
invalid({ a: 1, d: 2 }, /d is not allowed/)
invalid([], /is not object/)
const CHOICE: JsonSchema = {
  oneOf: [{ const: 1 }, { enum: ['x', 'y'] }, { type: 'array', items: { type: 'string' } }],
}
valid('y', CHOICE)
valid(['a'], CHOICE)
invalid('z', /no choice fits/, CHOICE)
invalid(['a', 1], /no choice fits/, CHOICE)
invalid(1, /2 of the choices fit/, { oneOf: [{ const: 1 }, { type: 'integer' }] })
