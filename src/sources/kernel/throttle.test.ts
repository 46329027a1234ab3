/** Beginnings and ends of what the kernel side holds back, from its table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOT_WORDS, THROTTLE_SLOTS, ThrottleWatch } from './throttle.ts'

const table = () => {
  const slots = new BigUint64Array(THROTTLE_SLOTS * SLOT_WORDS)
  const set = (row: number, key: number, cgroup: number, held: number, base = 0): void =>
    slots.set([BigInt(key), BigInt(cgroup), 7n, 0n, 0n, BigInt(held), BigInt(base)], row * SLOT_WORDS)
  const watch = new ThrottleWatch(slots)
  const look = (now: number, final = false) =>
    watch
      .look(now, final)
      .map(({ state, cgroup, count, from, to }) => `${state} ${cgroup} ${count} ${from}-${to}`)
  return { set, look }
}

test('it begins when the count grows, and ends when it does no more', () => {
  const { set, look } = table()
  set(3, 1, 42, 0)
  assert.deepEqual(look(1), [])
  set(3, 1, 42, 10)
  assert.deepEqual(look(2), ['start 42 10 1-2'])
  set(3, 1, 42, 25)
  assert.deepEqual(look(3), [])
  assert.deepEqual(look(4), ['stop 42 25 1-4'])
  assert.deepEqual(look(5), [])
  set(3, 1, 42, 26)
  assert.deepEqual(look(6), ['start 42 1 5-6'])
})
test('the end of the agent is an end', () => {
  const { set, look } = table()
  set(0, 1, 42, 5)
  assert.deepEqual(look(1), ['start 42 5 0-1'])
  set(0, 1, 42, 9)
  assert.deepEqual(look(2, true), ['stop 42 9 0-2'])
})
test('what began since the last look ends with the agent', () => {
  const { set, look } = table()
  set(0, 1, 42, 5)
  assert.deepEqual(look(1, true), ['start 42 5 0-1', 'stop 42 5 0-1'])
})
test('a slot that is taken over is another cgroup, and the one before is told of to its end', () => {
  const { set, look } = table()
  set(0, 1, 42, 5)
  look(1)
  set(0, 2, 43, 10, 7)
  assert.deepEqual(look(2), ['stop 42 7 0-2', 'start 43 3 1-2'])
  set(0, 2, 43, 11, 7)
  assert.deepEqual(look(3), [])
  assert.deepEqual(look(4), ['stop 43 4 1-4'])
})
test('who was held back and had to give up its slot between two looks is told of', () => {
  const { set, look } = table()
  set(0, 1, 42, 0)
  look(1)
  set(0, 2, 43, 6, 6)
  assert.deepEqual(look(2), ['start 42 6 1-2', 'stop 42 6 1-2'])
})
