/** The schemas that users get (schema/records/), one for each kind of record, made from the declarations. */

import { OPEN_SCHEMA } from '../monitor/open-line.ts'
import * as json from '../outputs/json-schema.ts'
import { ALERT_SCHEMA } from './alert-record.ts'
import { GAP_SCHEMA } from './gap.ts'
import { HEALTH_SCHEMA } from './health-line.ts'
import { nativeSchema } from './native.ts'
import { RECORD_TYPES, type RecordType } from './records.ts'

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

const published = (name: string, title: string, schema: json.JsonSchema): json.JsonSchema => ({
  $schema: DRAFT,
  $id: `tarsier:records/${name}/v1`,
  title,
  ...schema,
})

/** One of several records; equal properties are defined once. */
function oneOf(records: readonly json.JsonSchema[]): json.JsonSchema {
  const $defs: Record<string, json.JsonSchema> = {}
  const names = new Map<string, string>()
  const define = (name: string, schema: json.JsonSchema): json.JsonSchema => {
    const key = `${name} ${JSON.stringify(schema)}`
    let known = names.get(key)
    if (known === undefined) {
      known = name
      for (let i = 2; known in $defs; i++) known = `${name}_${i}`
      names.set(key, known)
      $defs[known] = schema
    }
    return { $ref: `#/$defs/${known}` }
  }
  const shared = (properties: Readonly<Record<string, json.JsonSchema>>): Record<string, json.JsonSchema> =>
    Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [
        name,
        schema.const !== undefined ? schema : define(name, schema),
      ]),
    )
  const all = records.map((record) => ({ ...record, properties: shared(record.properties!) }))
  return { $defs, oneOf: all }
}

const recordSchema = ({ name, doc, columns }: RecordType): json.JsonSchema =>
  json.record(
    {
      event_type: json.constant(name, doc),
      v: json.constant(1, 'version of this shape'),
      ...Object.fromEntries(columns.map((column) => [column.name, column.schema])),
    },
    { optional: columns.filter(({ optional }) => optional).map((column) => column.name) },
  )

/** File name to schema. */
export const publishedSchemas = (): ReadonlyMap<string, json.JsonSchema> =>
  new Map([
    [
      'event.schema.json',
      published('event', 'Telemetry record in rand-guard fields', oneOf(RECORD_TYPES.map(recordSchema))),
    ],
    ['alert.schema.json', published('alert', 'Alert in rand-guard fields', ALERT_SCHEMA)],
    ['health.schema.json', published('health', 'Health record', HEALTH_SCHEMA)],
    ['gap.schema.json', published('gap', 'What is missing', GAP_SCHEMA)],
    [
      'native-event.schema.json',
      published('native-event', 'Telemetry record in native form', nativeSchema()),
    ],
    ['native-alert.schema.json', published('native-alert', 'Alert in native form', NATIVE_ALERT)],
    ['monitor-open.schema.json', published('monitor-open', 'A line of tarsier monitor', OPEN_SCHEMA)],
  ])

const NATIVE_ALERT: json.JsonSchema = json.record({
  v: json.constant(1, 'version of this shape'),
  kind: json.constant('alert', 'kind of the record'),
  id: json.text('follows from host, boot, event and rule: the same in a replay'),
  time: json.time('wall clock, RFC 3339 in UTC with ns'),
  host: json.text('name of the host'),
  rule: json.text('name of the rule'),
  priority: json.text('priority of the rule'),
  source: json.text('where the event comes from'),
  tags: json.list(json.text('a tag'), 'tags of the rule'),
  message: json.text('output of the rule'),
  fields: { type: 'object', description: 'values of the output by field' },
})
