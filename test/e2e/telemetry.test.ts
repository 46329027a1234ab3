/** The telemetry stream of a running agent: each act is one record, every record fits its schema, health is told at the end. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type JsonSchema, validate } from '../../src/outputs/json-schema.ts'
import { marker, NEEDS_ROOT, openFolder, opensOf, ROOT, startAgent, writeRules } from './support/agent.ts'

type Line = Readonly<Record<string, unknown>>

const schema = (kind: string): JsonSchema =>
  JSON.parse(readFileSync(join(ROOT, 'schema/records', `${kind}.schema.json`), 'utf8'))
const KINDS = ['event', 'alert', 'health', 'gap'] as const
const SCHEMAS = new Map(KINDS.map((kind) => [kind as string, schema(kind)]))

/** Run an agent, do something, end it with the signal; what it wrote, checked against the published schemas. */
async function recordsOf(
  set: readonly string[],
  rules: readonly string[],
  act: () => void,
  signal: NodeJS.Signals,
): Promise<readonly Line[]> {
  const agent = await startAgent({ rules, set: [...set, 'rule_matching=all'] })
  act()
  const { stdout, status } = await agent.stop(signal)
  assert.equal(status, 0)
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  for (const line of lines) {
    const kind = SCHEMAS.get(String(line['event_type'])) ?? SCHEMAS.get('event')!
    assert.deepEqual(validate(kind, line), [], JSON.stringify(line))
  }
  return lines
}

suite('telemetry', { skip: NEEDS_ROOT }, () => {
  const folder = NEEDS_ROOT ? '' : openFolder('telemetry')
  const word = marker()
  const watched = join(folder, word)
  if (folder !== '') mkdirSync(watched)
  const rules = folder === '' ? '' : writeRules(folder, opensOf(`${word}-shadow`, 'opened %fd.name'))

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`1.1.12: ${signal} writes a last health record, and the write before it once`, async () => {
      const file = join(watched, `${signal}.service`)
      const lines = await recordsOf(
        ['telemetry.process=true', 'telemetry.file=true', `telemetry.watch_paths=${watched}`],
        [rules],
        () => spawnSync('/bin/sh', ['-c', `printf demo > ${file}; rm ${file}`]),
        signal,
      )
      const about = lines.filter((line) => line['filename'] === file || line['resolved_path'] === file)
      assert.deepEqual(
        about.map((line) => line['event_type']),
        ['file_open', 'file_write', 'file_unlinkat'],
      )
      assert.equal(
        lines.filter((line) => line['event_type'] === 'process_start' && line['comm'] === 'rm').length,
        1,
      )
      assert.equal(lines.at(-1)!['event_type'], 'health')
    })

  test('1.1.12: a flood of writes behind the limit silences no alert, and what was kept back is announced', async () => {
    const flood = join(watched, 'flood')
    const lines = await recordsOf(
      ['telemetry.file=true', `telemetry.watch_paths=${watched}`, 'limits.max_events_per_second=5'],
      [rules],
      () => {
        spawnSync('/bin/sh', [
          '-c',
          `for i in 1 2 3 4 5 6 7 8 9; do echo x; echo x; done > ${flood}; : > ${flood}-${word}-shadow`,
        ])
      },
      'SIGTERM',
    )
    const of = (type: string): readonly Line[] => lines.filter((line) => line['event_type'] === type)
    assert.equal(of('alert').filter((line) => String(line['rule_name']).includes(word)).length, 1)
    assert.equal(of('file_open').filter((line) => line['alert'] === true).length, 1)
    const kept = of('gap').reduce((sum, line) => sum + Number(line['count']), 0)
    assert.equal(of('file_write').length + of('file_open').length - 1 + kept, 19)
    assert.equal(Number(of('health').at(-1)!['userspace_rate_limited']), kept)
  })
})
