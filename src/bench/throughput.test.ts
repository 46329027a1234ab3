import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserError } from '../user-error.ts'
import { compare, healthRecords, measure, type Stored } from './throughput.ts'

const health = (fields: Record<string, number>): string =>
  JSON.stringify({
    event_type: 'health',
    raw_events_read: 1000,
    normalized_events_output: 900,
    userspace_filtered: 50,
    userspace_rate_limited: 20,
    userspace_invalid_schema: 0,
    userspace_unsupported_kind: 0,
    userspace_output_failures: 30,
    events_lost: 10,
    cpu_seconds: 0.002,
    rss_kb: 1,
    process_table_size: 7,
    ...fields,
  })

test('rates are those of the last health record', () => {
  const text = [health({ raw_events_read: 1, rss_kb: 9 }), '{"event_type":"file_write"}', health({})].join(
    '\n',
  )
  const found = measure(healthRecords(text), 10)
  assert.equal(found.raw_per_second, 100)
  assert.equal(found.emitted_per_second, 90)
  assert.equal(found.dropped_per_second, 10)
  assert.equal(found.lost_in_kernel_per_second, 1)
  assert.equal(found.cpu_seconds_per_million, 2)
  assert.equal(found.max_rss_kb, 9)
  assert.equal(found.records, 2)
})

test('no health record is a failure', () => {
  assert.throws(() => measure(healthRecords('{"event_type":"file_write"}'), 1), UserError)
})

const stored = (surroundings: Partial<Stored['surroundings']> = {}): Stored => ({
  throughput: measure(healthRecords(health({})), 1),
  surroundings: {
    kernel: '6.18',
    cpu: 'x',
    cpus: 2,
    node: '24',
    build: '0.1.0',
    file_system: '0xef53',
    hooks: 'write',
    load: 0,
    ...surroundings,
  },
})

test('runs that are alike are compared without a warning', () => {
  const { ratios, warnings } = compare(stored(), stored({ load: 0.5 }))
  assert.deepEqual(warnings, [])
  assert.ok(ratios.every(([, , , ratio]) => ratio === '1.00' || ratio === ''))
})

test('what makes runs unlike is named', () => {
  const { warnings } = compare(stored(), stored({ kernel: '6.1', load: 3 }))
  assert.equal(warnings.length, 2)
  assert.match(warnings[0]!, /kernel is 6\.18, was 6\.1/)
})
