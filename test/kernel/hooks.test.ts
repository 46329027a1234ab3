/** Events called after functions of the kernel: each beside its syscall, with what the kernel has. */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { HOOKS } from '../../schema/events/hooks/index.ts'
import { NEEDS_ROOT, openLive } from './support/live.ts'

suite('hooks', { skip: NEEDS_ROOT }, () => {
  const names = HOOKS.map(({ name }) => name)
  const live = openLive({ events: names, syscalls: names.filter((n) => n !== 'sys_enter' && n !== 'sys_exit') })
  after(() => live.stop())
  test('everything is attached', () => assert.deepEqual(live.source.failures, []))
  test('x', () => {
    const { records } = live.run('/bin/sh', ['-c', 'echo hello > /tmp/h/syscalls/x; ln -s a /tmp/h/syscalls/yy; rm /tmp/h/syscalls/yy'])
    for (const r of records) console.error(r.event, r.f)
  })
})
