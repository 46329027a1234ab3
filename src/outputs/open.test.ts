import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configFrom } from '../config/options.ts'
import type { Alert } from '../detect/alert.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { formatName, openOutputs } from './open.ts'

const folder = scratchFolder('open')
let made = 0

const ALERT: Alert = {
  id: 'i',
  time: 0n,
  hostname: 'h',
  rule: 'r',
  priority: 'Error',
  source: 'syscall',
  tags: [],
  message: 'app --password hunter2, key two words',
  fields: new Map(),
}
/** What a configuration writes for an alert between two records. */
async function written(
  ...options: readonly string[]
): Promise<{ readonly lines: string[]; readonly alerts: number }> {
  const file = join(folder, String(made++))
  const config = configFrom([
    'stdout_output.enabled=false',
    'file_output.enabled=true',
    `file_output.filename=${file}`,
    ...options,
  ])
  const outputs = openOutputs<string>(
    config,
    { onClosed: assert.fail, onError: assert.fail },
    { randGuard: (alert, about) => `rand-guard ${about} ${alert.message}`, secrets: (about) => [about] },
    { hostname: 'h', openDatagrams: assert.fail },
  )
  assert.equal(outputs.record('{"a":1}'), true)
  outputs.write(ALERT, 'two words')
  outputs.record('{"b":1}')
  await outputs.flush()
  outputs.close()
  return { lines: readFileSync(file, 'utf8').trimEnd().split('\n'), alerts: outputs.alerts }
}

test('records and alerts go out in order, flushed at the end', async () => {
  const { lines, alerts } = await written('output.format=rand-guard')
  assert.deepEqual(lines, ['{"a":1}', 'rand-guard two words app --password ****, key ****', '{"b":1}'])
  assert.equal(alerts, 1)
})
for (const format of ['falco-text', 'falco', 'tarsier', 'rand-guard'])
  test(`secrets are masked in ${format}, and are not when that is switched off`, async () => {
    const masked = (await written(`output.format=${format}`)).lines[1]!
    assert.ok(
      !masked.includes('hunter2') && !masked.includes('two words,') && masked.includes('--password ****'),
    )
    const plain = (await written(`output.format=${format}`, 'output.mask_secrets=false')).lines[1]!
    assert.ok(plain.includes('--password hunter2, key two words'))
  })
const isFormat = (expected: string, ...options: readonly string[]): void => {
  test(`format ${expected} with ${options.join(' ') || 'defaults'}`, () =>
    assert.equal(formatName(configFrom(options)), expected))
}
isFormat('falco-text')
isFormat('falco', 'json_output=true')
isFormat('rand-guard', 'telemetry.file=true')
isFormat('rand-guard', 'telemetry.process=true', 'json_output=true')
isFormat('tarsier', 'telemetry.file=true', 'output.format=tarsier')

/** Keys of Falco's JSON with an option. */
const keys = async (option: string): Promise<readonly string[]> =>
  Object.keys(JSON.parse((await written('json_output=true', option)).lines[1]!))
for (const key of ['output', 'message', 'output_fields', 'tags'])
  test(`json_include_${key}_property`, async () => {
    assert.ok((await keys(`json_include_${key}_property=true`)).includes(key))
    assert.ok(!(await keys(`json_include_${key}_property=false`)).includes(key))
  })
test('time_format_iso_8601', async () => {
  const start = async (value: boolean): Promise<string> =>
    (await written(`time_format_iso_8601=${value}`)).lines[1]!
  assert.match(await start(true), /^1970-01-01T00:00:00\.0{9}\+0000: Error /)
  assert.match(await start(false), /^\d\d:\d\d:\d\d\.0{9}: Error /)
})

test('throttled alerts are told of at the end, with their secrets masked', async () => {
  const file = join(folder, String(made++))
  const config = configFrom([
    'stdout_output.enabled=false',
    'file_output.enabled=true',
    `file_output.filename=${file}`,
    'throttle.alerts=1',
  ])
  const outputs = openOutputs<string>(
    config,
    { onClosed: assert.fail, onError: assert.fail },
    { randGuard: () => assert.fail(), secrets: (about) => [about] },
    { hostname: 'h', openDatagrams: assert.fail },
  )
  for (let i = 0; i < 5; i++) outputs.write(ALERT, 'two words')
  // What the agent says about itself.
  for (let i = 0; i < 2; i++) outputs.write({ ...ALERT, message: 'own' })
  await outputs.flush()
  outputs.close()
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  assert.equal(lines.length, 4)
  assert.match(lines[3]!, /Error suppressed 4 like this within 60 s: app --password \*\*\*\*, key \*\*\*\*$/)
  assert.deepEqual([outputs.alerts, outputs.suppressed], [4, 4])
})

for (const [what, monotonic, expected] of [
  ['a clock that goes on ends an interval where no event comes', () => 9e9, true],
  ['a replay has no such clock', undefined, false],
] as const)
  test(what, async () => {
    const file = join(folder, String(made++))
    const outputs = openOutputs<string>(
      configFrom([
        'stdout_output.enabled=false',
        'file_output.enabled=true',
        `file_output.filename=${file}`,
        'throttle.alerts=1',
        'throttle.interval=1',
      ]),
      { onClosed: assert.fail, onError: assert.fail },
      { randGuard: () => assert.fail(), secrets: () => [] },
      { hostname: 'h', openDatagrams: assert.fail, clock: { wall: () => 0n, monotonic } },
    )
    outputs.advance!(5e9)
    for (let i = 0; i < 2; i++) outputs.write(ALERT, 'x')
    const isTold = (): boolean => readFileSync(file, 'utf8').includes('suppressed 1 like this')
    for (let i = 0; i < 100 && !isTold() && (expected || i < 10); i++)
      await new Promise((done) => setTimeout(done, 50))
    assert.equal(isTold(), expected)
    outputs.close()
  })
