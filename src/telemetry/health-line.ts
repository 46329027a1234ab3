/** A health record as a line, and its schema. */
import { HEALTH_FIELDS, type Health } from '../health/record.ts'
import { STAGES } from '../health/stage-timer.ts'
import { type Json, toJson } from '../outputs/formats/json.ts'
import { isoTime } from '../outputs/formats/time.ts'
import * as json from '../outputs/json-schema.ts'

/** When and where it was made. */
export interface HealthPlace {
  /** CLOCK_MONOTONIC ns. */
  readonly mono: bigint
  /** Ns since the epoch. */
  readonly wall: bigint
  readonly host: string
}

export const healthLine = (health: Health, { mono, wall, host }: HealthPlace): string =>
  toJson({
    event_type: 'health',
    v: 1,
    timestamp_ns: mono,
    time: isoTime(wall),
    host,
    ...(health as unknown as Record<string, Json>),
  })

const TIMES = json.record({
  samples: json.count('events timed'),
  p50: json.number('median, µs'),
  p99: json.number('99th percentile, µs'),
  max: json.number('longest, µs'),
})

const SCHEMA_OF = {
  count: json.count,
  number: json.number,
  text: json.text,
  nullable: (doc: string) => json.orNull(json.count(doc)),
  map: (doc: string): json.JsonSchema => ({
    type: 'object',
    additionalProperties: json.count('how many'),
    description: doc,
  }),
  times: (doc: string): json.JsonSchema =>
    json.record(Object.fromEntries(STAGES.map((stage) => [stage, TIMES])), { description: doc }),
} as const

export const HEALTH_SCHEMA: json.JsonSchema = json.record({
  event_type: json.constant('health', 'kind of the record'),
  v: json.constant(1, 'version of this shape'),
  timestamp_ns: json.count('CLOCK_MONOTONIC when it was made, ns'),
  time: json.time('wall clock, RFC 3339 in UTC with ns'),
  host: json.text('name of the host'),
  ...Object.fromEntries(
    Object.entries(HEALTH_FIELDS).map(([name, { type, doc }]) => [name, SCHEMA_OF[type](doc)]),
  ),
})
