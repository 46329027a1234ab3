import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderSummary } from '../cli/commands/run.ts'
import { readSummary, total } from './summary.ts'

test('what the agent writes at its end is read back', () => {
  const counts = { seen: 9, guarded: 7, throttled: 0, submitted: 2, dropped: {}, helperErrors: 0 }
  const text = renderSummary({
    events: new Map([
      ['openat', 12],
      ['execve', 3],
    ]),
    drops: new Map([['exit_open: ring_full', 5]]),
    alerts: new Map([['A rule: with words', 1]]),
    programs: new Map([['exit_open', counts]]),
    withheld: new Map(),
    asked: {},
    outputs: [],
    captures: {},
    lost: 4,
    late: 0,
    errors: 0,
  } as never)
  const { events, drops, alerts, guarded, lost } = readSummary(`info: ready\n${text}`)
  assert.deepEqual(
    [total(events), total(drops), [...alerts], guarded, lost],
    [15, 5, [['A rule: with words', 1]], 7, 4],
  )
})
test('a log without a summary has nothing', () =>
  assert.deepEqual(readSummary('error: no\n').events, new Map()))
