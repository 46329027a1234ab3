import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock } from './clock.ts'

test('times are shifted by the offsets of the moment', () => {
  const clock = createClock({ wall: 1_000n, boot: 10n })
  assert.equal(clock.wallClock(5n), 1_005n)
  assert.equal(clock.bootTime(5n), 15n)
  clock.set({ wall: 2_000n, boot: 20n })
  assert.equal(clock.wallClock(5n), 2_005n)
  assert.equal(clock.bootTime(5n), 25n)
})
