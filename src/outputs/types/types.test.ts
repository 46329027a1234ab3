/** The other types of output, and several beside each other. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { receiveHttp } from '../../testing/http-receiver.ts'
import { alertOf, only, openEntries, QUICK } from '../../testing/outputs.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { until } from '../../testing/waiting.ts'

const folder = scratchFolder('types')

test('otlp: log records with severity, time and values; refused records are counted', async () => {
  const server = await receiveHttp()
  server.text = '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}'
  const outputs = openEntries({ type: 'otlp', url: `${server.url}/v1/logs`, kinds: ['alert', 'health'] })
  outputs.write(alertOf())
  outputs.writeLine('{"event_type":"health"}', 'health')
  outputs.writeLine('{"event_type":"gap"}', 'gap')
  await outputs.flush()
  const { resourceLogs } = JSON.parse(server.received[0]!.body)
  const [{ resource, scopeLogs }] = resourceLogs
  assert.deepEqual(resource.attributes[1], { key: 'host.name', value: { stringValue: 'box' } })
  const [record, health] = scopeLogs[0].logRecords
  assert.equal(record.timeUnixNano, '1767323045000000006')
  assert.deepEqual([record.severityNumber, record.severityText], [17, 'Error'])
  assert.deepEqual(record.attributes.at(-1), { key: 'n', value: { intValue: '5' } })
  assert.equal(health.body.stringValue, '{"event_type":"health"}')
  assert.equal(scopeLogs[0].logRecords.length, 2)
  assert.deepEqual([only(outputs).sent, only(outputs).dropped.refused], [1, 1])
  await server.close()
})
test('program: one for all, started again when it ends', async () => {
  const file = join(folder, 'program')
  const outputs = openEntries({ type: 'program', program: `head -n 1 >> ${file}`, batch: 1, ...QUICK })
  outputs.write(alertOf({ rule: 'one', message: 'one' }))
  await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('one'))
  await until(() => {
    outputs.write(alertOf({ message: 'two' }))
    return readFileSync(file, 'utf8').includes('two')
  })
  outputs.close()
})
test('program: one for each; what it says with its exit code', async () => {
  const file = join(folder, 'each')
  const outputs = openEntries({
    type: 'program',
    keep_alive: false,
    program: `read -r line; echo "$line" >> ${file}; case $line in *bad*) exit 3;; esac`,
  })
  for (const message of ['one', 'bad', 'two']) outputs.write(alertOf({ message }))
  await until(() => only(outputs).waiting === 0)
  assert.deepEqual(
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(-3)),
    ['one', 'bad', 'two'],
  )
  assert.deepEqual([only(outputs).sent, only(outputs).dropped.refused], [2, 1])
  outputs.close()
})
test('program: one that hangs is ended, with what it started', async () => {
  const file = join(folder, 'hanging')
  const outputs = openEntries({
    type: 'program',
    keep_alive: false,
    program: `echo $$ >> ${file}; sleep 1000; true`,
    timeout_ms: 200,
    ...QUICK,
  })
  outputs.write(alertOf())
  await until(() => only(outputs).failed > 0)
  outputs.close()
  const [pid] = readFileSync(file, 'utf8').split('\n').map(Number)
  await until(
    () =>
      !existsSync(`/proc/${pid}/comm`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
  )
})
test('file: rotation by size keeps so many, and loses nothing', async () => {
  const path = join(folder, 'rotated')
  const outputs = openEntries({ type: 'file', path, rotate_bytes: 400, rotate_keep: 100, format: 'tarsier' })
  for (let i = 0; i < 20; i++) outputs.write(alertOf({ id: String(i) }))
  await outputs.flush()
  const files = readdirSync(folder).filter((name) => name.startsWith('rotated'))
  assert.ok(files.length > 5)
  const ids = files.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number(JSON.parse(line).id)),
  )
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  )
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(only(outputs).sent, 20)
})
test('file: old ones beyond rotate_keep go', async () => {
  const path = join(folder, 'few')
  const outputs = openEntries({ type: 'file', path, rotate_bytes: 10, rotate_keep: 2 })
  for (let i = 0; i < 9; i++) outputs.write(alertOf())
  await outputs.flush()
  assert.deepEqual(
    readdirSync(folder)
      .filter((name) => name.startsWith('few'))
      .sort(),
    ['few', 'few.1', 'few.2'],
  )
})
test('file: a full disk is counted, and said once', { skip: !existsSync('/dev/full') }, async () => {
  const outputs = openEntries({ type: 'file', path: '/dev/full' })
  for (let i = 0; i < 3; i++) outputs.write(alertOf())
  await outputs.flush()
  assert.equal(only(outputs).dropped.error, 3)
  assert.match(outputs.errors[0]!, /ENOSPC/)
})
test('outputs choose: priority, rules, tags, kinds', async () => {
  const names = ['urgent', 'shells', 'tagged', 'gaps']
  const path = (name: string): string => join(folder, `choose-${name}`)
  const template = '{{ .rule }}'
  const outputs = openEntries(
    ...[{ priority: 'critical' }, { rules: ['*shell*'] }, { tags: ['net', 'x'] }, { kinds: ['gap'] }].map(
      (more, i) => ({
        ...{ type: 'file', name: names[i], path: path(names[i]!), format: 'template', template },
        ...more,
      }),
    ),
  )
  outputs.write(alertOf({ rule: 'a shell here', tags: [] }))
  outputs.write(alertOf({ rule: 'b', priority: 'Emergency', tags: ['net'] }))
  outputs.writeLine('gap', 'gap')
  outputs.writeLine('health', 'health')
  await outputs.flush()
  assert.deepEqual(
    names.map((name) => readFileSync(path(name), 'utf8')),
    ['b\n', 'a shell here\n', 'b\n', 'gap\n'],
  )
  assert.equal(outputs.asksFor('gap'), true)
  assert.equal(outputs.asksFor('health'), false)
})
test('one dead output: the others lose none, and memory stays bounded', async () => {
  const server = await receiveHttp()
  const path = join(folder, 'alive')
  const outputs = openEntries(
    { type: 'http', name: 'dead', url: 'http://127.0.0.1:1/', queue_bytes: 1 << 20 },
    { type: 'http', name: 'living', url: server.url, batch: 1000, format: 'tarsier' },
    { type: 'file', path },
  )
  const many = Number(process.env['TARSIER_ALERTS'] ?? 10_000)
  for (let i = 0; i < many; i++) {
    outputs.write(alertOf({ id: String(i) }))
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => outputs.status()[1]!.waiting === 0)
  const [dead, living, file] = outputs.status()
  assert.equal(dead!.waiting + dead!.dropped.queue_full, many)
  assert.ok(dead!.bytes <= 1 << 20 && dead!.dropped.queue_full > 0)
  assert.deepEqual([living!.sent, file!.sent], [many, many])
  const ids = new Set(
    server.received.flatMap(({ headers }) => String(headers['x-tarsier-alert-id']).split(',')),
  )
  assert.equal(ids.size, many)
  await server.close()
})
