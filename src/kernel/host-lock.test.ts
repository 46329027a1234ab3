import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../testing/scratch.ts'
import { lastSign, takeHostLock } from './host-lock.ts'
import { CLOCK, clock } from './libc.ts'

const folder = scratchFolder('lock')

const take = (file: string) => {
  const lock = takeHostLock(file)
  return 'heldBy' in lock ? assert.fail(`held by ${lock.heldBy}`) : lock
}

test('the next holder is told when the last one gave a sign', () => {
  const file = join(folder, 'deep', 'lock')
  const first = take(file)
  assert.equal(first.before, undefined)
  assert.deepEqual(takeHostLock(file), { heldBy: String(process.pid) })
  const before = Number(clock(CLOCK.monotonic))
  first.beat()
  const after = Number(clock(CLOCK.monotonic))
  first.release()
  const second = take(file)
  assert.equal(second.before?.pid, process.pid)
  assert.ok(second.before.at >= before && second.before.at <= after)
  second.release()
})
test('who ends without a sign has not watched', () => {
  const file = join(folder, 'brief')
  const first = take(file)
  first.beat()
  first.release()
  const brief = take(file)
  brief.release()
  const third = take(file)
  assert.deepEqual(third.before, brief.before)
  third.release()
})
test('a sign replaces the one before', () => {
  const file = join(folder, 'replaced')
  const lock = take(file)
  lock.beat()
  const { length } = readFileSync(file)
  lock.beat()
  assert.equal(readFileSync(file).length, length)
  lock.release()
})
test('what is no sign says nothing', () => {
  const file = join(folder, 'other')
  writeFileSync(file, '123\n')
  assert.equal(take(file).before, undefined)
})

const BOOT = '3b1c6a52-0d3e-4ac4-9d0f-5a3c2b1e0f99'
const signs: readonly (readonly [text: string, sign: ReturnType<typeof lastSign>])[] = [
  [`12        \n${BOOT}                  345\n`, { pid: 12, at: 345 }],
  [`12        \n${BOOT.replace('3', '4')}                  345\n`, { pid: 12, at: 0 }],
  ['', undefined],
  ['12\n', undefined],
  [`12 \n${BOOT} -5\n`, undefined],
  [`12 \n${BOOT} 5\nmore`, undefined],
]
for (const [text, sign] of signs)
  test(`sign ${JSON.stringify(text)}`, () => assert.deepEqual(lastSign(text, BOOT), sign))
