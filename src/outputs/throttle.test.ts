import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Alert } from '../detect/alert.ts'
import { SUPPRESSED, Throttle } from './throttle.ts'

const SECOND = 1e9

const alert = (more: Partial<Alert> & { readonly exe?: string } = {}): Alert => ({
  id: 'i',
  time: 1n,
  hostname: 'h',
  rule: 'r',
  priority: 'Error',
  source: 'syscall',
  tags: ['t'],
  message: 'm',
  fields: new Map(more.exe === undefined ? [] : [['exe', more.exe]]),
  ...more,
})

/** A throttle that has seen an event at 1 ns, and what it tells. */
function throttle(alerts: number, by: readonly string[] = []) {
  const told: Alert[] = []
  const one = new Throttle({ alerts, by, intervalMs: 1000, announce: (each) => told.push(each) })
  one.advance(1)
  return { one, told }
}

test('so many go out, the rest is told when the interval is over', () => {
  const { one, told } = throttle(2)
  assert.deepEqual(Array.from({ length: 514 }, () => one.admits(alert())).filter(Boolean).length, 2)
  one.advance(SECOND)
  assert.deepEqual(told, [])
  one.advance(SECOND + 1)
  assert.equal(told.length, 1)
  const [{ message, rule, priority, tags, fields, id }] = told as unknown as [Alert]
  assert.equal(message, 'suppressed 512 like this within 1 s: m')
  assert.deepEqual([rule, priority, tags, fields.get(SUPPRESSED)], ['r', 'Error', ['t'], 512])
  assert.match(id, /^[0-9a-f]{32}$/)
  assert.equal(one.suppressed, 512)
  assert.equal(one.admits(alert()), true)
})
test('nothing held back is nothing told', () => {
  const { one, told } = throttle(1)
  one.admits(alert())
  one.admits(alert())
  one.advance(2 * SECOND)
  assert.equal(one.admits(alert()), true)
  assert.equal(told.length, 1)
  one.advance(4 * SECOND)
  assert.equal(told.length, 1)
})
test('where no event comes an interval ends by the clock, and events go on where they were', () => {
  const { one, told } = throttle(1)
  one.admits(alert())
  one.admits(alert())
  one.expire(SECOND)
  assert.equal(told.length, 0)
  one.expire(5 * SECOND)
  assert.equal(told.length, 1)
  one.admits(alert())
  one.admits(alert())
  one.advance(SECOND + 1)
  assert.equal(told.length, 2)
})
test('an event that comes late does not turn the time back', () => {
  const { one, told } = throttle(1)
  one.admits(alert())
  one.admits(alert())
  one.advance(SECOND)
  one.advance(1)
  one.advance(SECOND + 1)
  assert.equal(told.length, 1)
})
test('groups by rule and fields', () => {
  const { one, told } = throttle(1, ['exe', 'absent'])
  assert.deepEqual(
    [alert({ exe: 'a' }), alert({ exe: 'b' }), alert({ exe: 'a' }), alert(), alert({ rule: 's' })].map(
      (each) => one.admits(each),
    ),
    [true, true, false, true, true],
  )
  one.flush()
  assert.deepEqual(
    told.map(({ message }) => message),
    ['suppressed 1 like this within 1 s (exe=a): m'],
  )
})
for (const priority of ['Critical', 'Alert', 'Emergency'] as const)
  test(`${priority} is never held back`, () => {
    const { one } = throttle(1)
    assert.deepEqual(
      [1, 2, 3].map(() => one.admits(alert({ priority }))),
      [true, true, true],
    )
  })
test('groups are bounded; one that goes early is told of', () => {
  const { one, told } = throttle(1, ['exe'])
  one.admits(alert({ exe: 'first' }))
  one.admits(alert({ exe: 'first' }))
  for (let i = 0; i < 10_000; i++) one.admits(alert({ exe: String(i) }))
  assert.equal(told.length, 1)
})
