import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import {
  type Goal,
  isMet,
  type Report,
  reportJson,
  reportMarkdown,
  reportText,
  writeReport,
} from './report.ts'

const machine = {
  cpu: 'A processor',
  cpus: 2,
  memoryGb: 4,
  kernel: '6.1.0',
  arch: 'x64',
  system: 'Some Linux',
  node: '24.0.0',
  v8: '13',
  bpfJit: '1',
  load: 0.5,
} as const
const goal = (value: number, kind: Goal['kind'] = 'most'): Goal => ({
  what: 'cost',
  limit: 2,
  value,
  kind,
  unit: ' ns',
})
const report: Report = {
  bench: 'example',
  title: 'An example',
  time: '2026-01-02T03:04:05.000Z',
  machine,
  method: ['Measured twice.'],
  tables: [{ title: 'Costs', columns: ['WHAT', 'ns'], rows: [['a|b', '1']] }],
  goals: [goal(1), goal(3)],
  results: { cost: 1.25 },
}

test('a goal of at most', () =>
  assert.deepEqual(
    [1, 2, 2.01].map((value) => isMet(goal(value))),
    [true, true, false],
  ))
test('a goal of at least', () =>
  assert.deepEqual(
    [1.99, 2, 3].map((value) => isMet(goal(value, 'least'))),
    [false, true, true],
  ))

test('warnings stand above what was measured', () => {
  const doubtful = { ...report, warnings: ['Somebody else was there.'] }
  const text = reportText(doubtful, () => 'TABLE')
  assert.match(text, /load 0\.5.*WARNING: Somebody else was there\..*TABLE/s)
  assert.match(reportMarkdown(doubtful), /\*\*Warning\*\*: Somebody else was there\..*- Measured twice\./s)
  assert.deepEqual(JSON.parse(reportJson(doubtful)).warnings, doubtful.warnings)
  assert.doesNotMatch(
    reportText(report, () => 'TABLE'),
    /WARNING/,
  )
})
test('JSON has everything but the tables', () => {
  const { tables: _, goals, ...rest } = report
  assert.deepEqual(JSON.parse(reportJson(report)), {
    ...rest,
    goals: goals.map((entry, i) => ({ ...entry, met: i === 0 })),
  })
  assert.doesNotMatch(reportJson(report), /\n/)
})

test('text names the machine, the tables and the goals', () => {
  const text = reportText(
    report,
    (columns, rows) => `${[columns, ...rows].map((row) => row.join(' ')).join('\n')}\n`,
  )
  for (const part of ['An example\n', 'Linux 6.1.0', 'Node 24.0.0', 'Costs\nWHAT ns\na|b 1\n'])
    assert.ok(text.includes(part), part)
  assert.match(text, /cost: 1\.00 ns, goal at most 2 ns: met\ncost: 3\.00 ns, goal at most 2 ns: MISSED/)
})

test('Markdown has tables whose cells cannot break out', () => {
  const text = reportMarkdown(report)
  assert.ok(text.startsWith('# An example\n\n2026-01-02T03:04:05.000Z. A processor'))
  assert.ok(text.includes('| WHAT | ns |\n| --- | --- |\n| a\\|b | 1 |\n'))
  assert.ok(text.includes('- Measured twice.\n'))
})

test('both files are written, folders made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-report-'))
  try {
    const deep = join(folder, 'a', 'b')
    assert.deepEqual(writeReport(report, deep), [join(deep, 'example.md'), join(deep, 'example.json')])
    assert.equal(readFileSync(join(deep, 'example.md'), 'utf8'), reportMarkdown(report))
    assert.equal(readFileSync(join(deep, 'example.json'), 'utf8'), `${reportJson(report)}\n`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
