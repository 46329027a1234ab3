import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noDrops } from '../outputs/delivery/message.ts'
import { type ControlStatus, durationText, statusText } from './status-text.ts'

const lasts = (seconds: number, expected: string): void =>
  void test(expected, () => assert.equal(durationText(seconds), expected))
lasts(0.9, '0 s')
lasts(61, '1 min 1 s')
lasts(3600, '1 h 0 min 0 s')
lasts(200_000, '2 d 7 h 33 min 20 s')

const FINE: ControlStatus = {
  pid: 7,
  version: '1.2.3',
  uptime_s: 5,
  rules: 3,
  programs: 4,
  degraded: [],
  events: 1000,
  alerts: 2,
  suppressed: 0,
  captures: { files: 2 },
  processes: 9,
  losses: { missed: 0, kernel: { ring_full: 0 }, reader: {}, lost: 0, errors: 0, limited: 0, outputs: 0 },
  guards: { generation: 2, seen: 5000, passed_over: 4000, throttled: 0, audited: 1, violations: 0 },
  outputs: [
    {
      name: 'siem',
      type: 'http',
      sent: 1,
      failed: 2,
      retried: 2,
      dropped: noDrops(),
      waiting: 3,
      bytes: 400,
      spooled: 3,
    },
  ],
  cpu_s: 1.25,
  resident_kb: 70 * 1024,
  log_level: 'info',
  reloads: { done: 0, failed: 0 },
}
const says = (what: string, status: Partial<ControlStatus>, expected: RegExp): void =>
  void test(what, () => assert.match(statusText({ ...FINE, ...status }), expected))
says('the agent', {}, /^agent +1\.2\.3, pid 7, up 5 s, log level info$/m)
says('events', {}, /^events +1,000 of 5,000 seen in the kernel; 4,000 passed over there$/m)
says('nothing lost', {}, /^lost +nothing$/m)
says('an output', {}, /^siem +http +1 +3 +3 +400 +2 +0$/m)
says('captures', {}, /^captures +2 files$/m)
says('guards', {}, /^guards +generation 2, /m)
says('no guards', { guards: { ...FINE.guards, generation: 0 } }, /^guards +none$/m)
says(
  'losses by stage',
  { losses: { ...FINE.losses, missed: 1, kernel: { ring_full: 2 }, lost: 2, outputs: 3 } },
  /^lost +1 kernel: missed, 2 kernel: ring full, 2 stream: never came, 3 outputs: lines$/m,
)
says(
  'a refused reload',
  { reloads: { done: 1, failed: 1, last: { time: 'T', by: 'SIGHUP', ok: false, error: 'bad\u001b[2J' } } },
  /^reloads +1 taken over, 1 refused\n +the latest, by SIGHUP at T, was refused: bad\\x1b\[2J$/m,
)
says('what does not work', { degraded: ['no x'] }, /^degraded +no x$/m)
says(
  'an output that lost something',
  { outputs: [{ ...FINE.outputs[0]!, dropped: { ...noDrops(), queue_full: 5 } }] },
  /^siem .* 5 queue full$/m,
)
