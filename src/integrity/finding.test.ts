import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Culprit, type Finding, integrityAlert } from './finding.ts'
import { tracerPid } from './integrity.ts'
import { Repeats } from './repeats.ts'
import { Suspects } from './suspects.ts'

const IDENTITY = { hostname: 'h', hostId: 'i', bootId: 'b' }
const by = (pid: number): Culprit => ({
  pid,
  start: 1,
  uid: 0,
  name: 'n',
  exe: '/e',
  commandLine: 'n -x',
  parent: 'p',
})
const finding = (over: Partial<Finding> = {}): Finding => ({
  rule: 'traced',
  priority: 'Alert',
  facts: [['request', 'PTRACE_SEIZE']],
  culprit: by(7),
  time: 5n,
  ...over,
})

test('an alert names rule, facts and culprit', () => {
  const alert = integrityAlert(IDENTITY, finding(), 0)
  assert.deepEqual(
    [alert.rule, alert.priority, alert.source, alert.time],
    ['Tarsier integrity: agent traced', 'Alert', 'internal', 5n],
  )
  assert.equal(alert.message, 'Tarsier integrity: agent traced')
  assert.deepEqual(
    [...alert.fields].map(([name, value]) => `${name}=${value}`).join(' '),
    'request=PTRACE_SEIZE proc.name=n proc.pid=7 proc.exepath=/e proc.cmdline=n -x proc.pname=p user.uid=0',
  )
  assert.equal(alert.fields.get('proc.pid'), 7)
})
test('a culprit nobody saw', () =>
  assert.equal(integrityAlert(IDENTITY, finding({ culprit: undefined }), 0).fields.get('culprit'), 'unknown'))
test('ids: the same for the same event, another for another', () => {
  const id = (seq: number): string =>
    integrityAlert(IDENTITY, finding({ position: { ring: 'critical', cpu: 0, seq } }), 0).id
  assert.equal(id(1), id(1))
  assert.notEqual(id(1), id(2))
})
test('ids of what was found by looking differ by time and words', () => {
  const ids = [finding(), finding({ time: 6n }), finding({ facts: [['request', 'x']] })].map(
    (f) => integrityAlert(IDENTITY, f, 0).id,
  )
  assert.equal(new Set(ids).size, 3)
  assert.match(ids[0]!, /^[0-9a-f]{32}$/)
})

/** Tell findings at these times, look at the end; what went out, as `pid repeats`. */
function told(
  deeds: readonly (readonly [ms: number, finding: Finding])[],
  end: number,
  all = false,
): string[] {
  const out: string[] = []
  const repeats = new Repeats((f, n) => out.push(`${f.culprit?.pid} ${n}`))
  for (const [ms, f] of deeds) repeats.tell(f, ms)
  repeats.flush(end, all)
  return out
}
test('once is told at once', () => assert.deepEqual(told([[0, finding()]], 99_999), ['7 0']))
test('more of the same in a while are counted', () =>
  assert.deepEqual(
    told(
      [
        [0, finding()],
        [1, finding()],
        [2, finding()],
      ],
      10_000,
    ),
    ['7 0', '7 2'],
  ))
test('not before the while is over', () =>
  assert.deepEqual(
    told(
      [
        [0, finding()],
        [1, finding()],
      ],
      9_999,
    ),
    ['7 0'],
  ))
test('unless this is the end', () =>
  assert.deepEqual(
    told(
      [
        [0, finding()],
        [1, finding()],
      ],
      2,
      true,
    ),
    ['7 0', '7 1'],
  ))
test('another process is another deed', () =>
  assert.deepEqual(
    told(
      [
        [0, finding()],
        [1, finding({ culprit: by(8) })],
      ],
      2,
    ),
    ['7 0', '8 0'],
  ))
test('another request is another deed', () =>
  assert.equal(
    told(
      [
        [0, finding()],
        [1, finding({ facts: [['request', 'PTRACE_ATTACH']] })],
      ],
      2,
    ).length,
    2,
  ))
test('a try that works after one that did not is another deed', () =>
  assert.equal(
    told(
      [
        [0, finding({ priority: 'Critical' })],
        [1, finding()],
      ],
      2,
    ).length,
    2,
  ))
test('many culprits at once: none is held back for want of room', () =>
  assert.equal(
    told(
      Array.from({ length: 5000 }, (_, i) => [i / 1000, finding({ culprit: by(i) })] as const),
      9,
    ).length,
    5000,
  ))

test('the last one who touched a thing', () => {
  const suspects = new Suspects()
  suspects.note('file:/a', by(1), 0)
  suspects.note('file:/a', by(2), 1)
  assert.equal(suspects.of('file:/a', 2)?.pid, 2)
  assert.equal(suspects.of('file:/b', 2), undefined)
})
test('but not long ago', () => {
  const suspects = new Suspects()
  suspects.note('file:/a', by(1), 0)
  assert.equal(suspects.of('file:/a', 60e9), undefined)
})
test('suspects are bounded: the oldest are forgotten', () => {
  const suspects = new Suspects()
  for (let i = 0; i < 5000; i++) suspects.note(`file:/${i}`, by(i), i)
  assert.deepEqual([suspects.of('file:/0', 5000), suspects.of('file:/4999', 5000)?.pid], [undefined, 4999])
})

test('the tracer in a status', () => assert.equal(tracerPid('Name:\tx\nTracerPid:\t42\nUid:\t0\n'), 42))
test('no tracer', () => assert.equal(tracerPid('Name:\tTracerPid: 3\nTracerPid:\t0\n'), 0))
test('no status', () => assert.equal(tracerPid(''), 0))
