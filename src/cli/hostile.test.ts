/** What comes from events, files and other programs steers no terminal, whichever command shows it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { noDrops } from '../outputs/delivery/message.ts'
import { jsonLine } from '../outputs/escape.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { main } from './main.ts'
import { type ControlStatus, statusText } from './status-text.ts'
import { formatTable } from './table.ts'

const HOSTILE = 'a\n\u001b[2J\u009b\u202e\u2028%s%n\udcff'
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const clean = (text: string): void => {
  assert.doesNotMatch(text, RAW)
  assert.ok(text.isWellFormed())
}

test('a table: a line for each row', () => {
  const text = formatTable([HOSTILE, HOSTILE], [[HOSTILE, HOSTILE]])
  clean(text)
  assert.equal(text.trimEnd().split('\n').length, 2)
})

const STATUS: ControlStatus = {
  pid: 1,
  version: HOSTILE,
  uptime_s: 1,
  rules: 1,
  programs: 1,
  degraded: [HOSTILE],
  captures: { [HOSTILE]: 1 },
  events: 1,
  alerts: 1,
  suppressed: 0,
  processes: 1,
  losses: {
    missed: 0,
    kernel: { [HOSTILE]: 1 },
    reader: { [HOSTILE]: 1 },
    lost: 0,
    errors: 0,
    limited: 0,
    outputs: 0,
  },
  guards: { generation: 0, seen: 1, passed_over: 0, throttled: 0, audited: 0, violations: 0 },
  outputs: [
    {
      name: HOSTILE,
      type: 'file',
      sent: 1,
      failed: 1,
      retried: 0,
      dropped: noDrops(),
      waiting: 0,
      bytes: 0,
      spooled: 0,
    },
  ],
  cpu_s: 1,
  resident_kb: 1,
  log_level: HOSTILE,
  reloads: { done: 1, failed: 1, last: { time: HOSTILE, by: HOSTILE, ok: false, error: HOSTILE } },
}
test('the status of an agent', () => {
  clean(statusText(STATUS))
  clean(jsonLine(STATUS))
  assert.deepEqual(JSON.parse(jsonLine(STATUS)), STATUS)
})

const folder = scratchFolder('hostile')
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** JSON is YAML, too. */
const rules = file(
  'rules.yaml',
  JSON.stringify([
    {
      rule: `hostile ${HOSTILE.replace('\n', '')}`,
      desc: HOSTILE,
      condition: 'evt.type = openat and fd.name contains "\u202e"',
      output: `x ${HOSTILE}`,
      priority: 'ERROR',
      tags: [HOSTILE.replace('\n', '')],
    },
  ]),
)
const wrong = file(
  'wrong\u202e.yaml',
  JSON.stringify([
    { rule: `w ${HOSTILE}`, desc: 'x', condition: `${HOSTILE} =`, output: 'x', priority: 'x' },
  ]),
)
const health = file(
  'health.json',
  `${JSON.stringify({ event_type: 'health', uptime_secs: 1, [HOSTILE]: 1, note: HOSTILE, kernel_drops_by_program: { [HOSTILE]: { [HOSTILE]: 5 } } })}\n`,
)
for (const args of [
  ['health', health],
  ['health', '--json', health],
  ['health', join(folder, `none${HOSTILE}`)],
  ['rules', 'check', rules],
  ['rules', 'check', '--json', rules],
  ['rules', 'check', wrong],
  ['rules', 'check', '--json', wrong],
  ['rules', 'list', rules],
  ['rules', 'list', '--json', rules],
  ['rules', 'describe', 'hostile', '-r', rules],
  ['rules', 'explain', '--all', '-r', rules],
  ['rules', 'explain', '--all', '--json', '-r', rules],
  ['config', 'check', wrong],
  ['events', 'show', HOSTILE],
  ['trace', HOSTILE],
  ['ctl', 'status', '--socket', join(folder, HOSTILE)],
])
  test(`tarsier ${args
    .slice(0, 3)
    .join(' ')
    .replaceAll(folder, '')
    .replace(/[^ -~]/g, '?')}`, async () => {
    const texts: string[] = []
    const stream = () =>
      new Writable({
        write(chunk, _encoding, done) {
          texts.push(String(chunk))
          done()
        },
      })
    await main(args, { stdin: Readable.from([]), stdout: stream(), stderr: stream(), env: { NO_COLOR: '1' } })
    assert.ok(texts.join('').length > 0)
    clean(texts.join(''))
  })
