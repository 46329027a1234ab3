import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { FAMILIES, PUBLIC_EVENT_TYPES } from '../../../schema/index.ts'
import { planPrograms, SNAPSHOT_PROGRAM } from './plan.ts'

const names = (events: ReadonlySet<string> | '*'): string[] =>
  planPrograms(events).flatMap((plan) => plan.programs.map((p) => p.name))
const STATE = names(new Set())

/** Moments of an operation that io_uring carries out. */
const URING = ['submit', 'complete']

suite('plan', () => {
  test('the process table alone: its programs and the snapshot', () => {
    assert.deepEqual(
      [...STATE].sort(),
      [
        'dump_task',
        'exit_execve',
        'exit_execveat',
        'on_sched_process_exec',
        'on_sched_process_exit',
        'on_sched_process_fork',
        'on_task_rename',
      ].sort(),
    )
    assert.ok(STATE.includes(SNAPSHOT_PROGRAM.name))
  })

  const adds = (events: string[], expected: string[]): void =>
    void test(`${events.join(', ')} needs ${expected.join(', ') || 'nothing more'}`, () =>
      assert.deepEqual(names(new Set(events)).slice(STATE.length).sort(), expected.sort()))

  adds(['unlink'], ['exit_unlink'])
  adds(['openat'], ['exit_openat', ...URING.map((name) => `uring_open_${name}`)])
  adds(['open', 'creat'], ['exit_open', 'exit_creat'])
  adds(['unlink', 'connect'], ['exit_unlink', 'exit_connect', ...URING.map((name) => `uring_socket_${name}`)])
  adds(['execve', 'procexit', 'clone'], [])
  adds(['process_snapshot'], [])
  adds(['no such event'], [])

  test('programs of the process table come first', () => {
    const order = planPrograms('*').map((plan) => plan.state)
    assert.deepEqual(
      order,
      [...order].sort((a, b) => Number(b) - Number(a)),
    )
  })
  test('everything is every program once', () => {
    // What only measures is in no plan, plain syscalls are attached by name.
    const own = FAMILIES.filter((f) => f.record === undefined && !f.byName)
    const events = own.filter((f) => f.state || f.events.some((e) => !e.internal)).flatMap((f) => f.events)
    const programs = new Set(events.flatMap((event) => event.programs.map((program) => program.name)))
    assert.deepEqual(names('*').sort(), [...programs].sort())
    assert.deepEqual(names(new Set(PUBLIC_EVENT_TYPES.map((type) => type.name))).sort(), names('*').sort())
  })
  test('an object stands in the plan once', () => {
    const objects = planPrograms('*').map((plan) => plan.object)
    assert.equal(new Set(objects).size, objects.length)
  })
})
