import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { everyAligned } from './aligned.ts'

/** Times at which two timers of 500 and 1000 ms fire that are begun at different times, on a clock of our own. */
function timesOf(t: { after(done: () => void): void }): { half: number[]; full: number[] } {
  mock.timers.enable({ apis: ['setTimeout'] })
  let now = 100.25
  const clock = mock.method(performance, 'now', () => now)
  t.after(() => {
    clock.mock.restore()
    mock.timers.reset()
  })
  const half: number[] = []
  const full: number[] = []
  const advance = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      now++
      mock.timers.tick(1)
    }
  }
  const stops = [everyAligned(500, () => half.push(now))]
  advance(123)
  stops.push(everyAligned(1000, () => full.push(now)))
  advance(3000)
  for (const stop of stops) stop()
  advance(3000)
  return { half, full }
}

test('timers fire at multiples of their time, together, until they are stopped', (t) => {
  const { half, full } = timesOf(t)
  assert.deepEqual(half, [500.25, 1000.25, 1500.25, 2000.25, 2500.25, 3000.25])
  assert.deepEqual(full, [1000.25, 2000.25, 3000.25])
})

test('one that comes early does not come twice', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const clock = mock.method(performance, 'now', () => now)
  t.after(() => {
    clock.mock.restore()
    mock.timers.reset()
  })
  let turns = 0
  const stop = everyAligned(1000, () => turns++)
  now = 999.5
  mock.timers.tick(1000)
  assert.equal(turns, 1)
  mock.timers.tick(999)
  assert.equal(turns, 1)
  mock.timers.tick(2)
  assert.equal(turns, 2)
  stop()
})
