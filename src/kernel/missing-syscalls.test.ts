import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tracefs } from './machine.ts'
import { missingSyscalls, NATIVE_SYSCALLS } from './missing-syscalls.ts'

const having = (...names: readonly string[]): Tracefs => ({
  place: '',
  path: '',
  tracepointId: (name) => (names.includes(name) ? 1 : undefined),
  close: () => undefined,
})

test('a call without a tracepoint at either side is missing', () =>
  assert.deepEqual(
    missingSyscalls(having('syscalls/sys_exit_openat', 'syscalls/sys_enter_exit_group'), [
      'openat',
      'exit_group',
      'init_module',
      'no_syscall',
    ]),
    ['init_module'],
  ))
test('a kernel without syscall tracepoints tells nothing', () =>
  assert.equal(missingSyscalls(having(), ['init_module']), undefined))
test('rich events and plain ones are looked at', () => {
  for (const name of ['openat', 'init_module', 'exit_group']) assert.ok(NATIVE_SYSCALLS.includes(name))
})
