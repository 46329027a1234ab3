/** Beginning, renaming and end of processes. */
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { constants } from 'node:os'
import { after, before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, type Outcome, only, openLive, pick } from './support/live.ts'
import { program } from './support/programs.ts'
import { bytes } from './support/raw.ts'

const { EINVAL, EFAULT } = constants.errno

suite('processes', { skip: NEEDS_ROOT }, () => {
  const tasks = NEEDS_ROOT ? '' : program('tasks')
  let live: Live

  before(() => {
    live = openLive({ critical: 4 << 20 })
  })
  after(() => live?.stop())

  const run = (...args: string[]): Outcome => live.run(tasks, args)
  /** Events of the program itself, in order. */
  const own = (outcome: Outcome): string[] =>
    outcome.records.filter((r) => r.pid === outcome.pid).map((r) => r.event)

  for (const how of ['fork', 'vfork', 'clone', 'clone3'])
    test(how, () => {
      const outcome = run(how)
      const made = outcome.records.find((r) => r.event === how)!
      const child = Number(outcome.stdout)
      const end = outcome.records.find((r) => r.event === 'procexit' && r.pid === child)!
      assert.deepEqual(own(outcome), ['execve', how, 'procexit'])
      assert.deepEqual(pick([made], 'res', 'child_pid', 'child_vpid', 'comm'), [
        { event: how, res: child, child_pid: child, child_vpid: child, comm: 'tasks' },
      ])
      assert.equal(BigInt(end.start), made.f['child_start'])
      assert.deepEqual(pick([end], 'ret', 'sig', 'core', 'status'), [
        { event: 'procexit', status: 0x300, ret: 3, sig: 0, core: 0 },
      ])
      assert.equal(outcome.records.length, 4)
    })

  test('in a pid namespace the result is what the caller sees', () => {
    const outcome = live.run('unshare', ['-pf', tasks, 'fork'])
    const [inner] = only(outcome.records, 'fork')
    assert.equal(outcome.stdout.trim(), '2')
    const [outer] = outcome.records.filter((r) => r.f['child_vpid'] === 1)
    assert.equal(outer!.f['res'], outer!.f['child_pid'], 'the parent lives outside')
    assert.equal(outer!.pid, outcome.pid)
    assert.deepEqual([inner!.f['res'], inner!.f['child_vpid'], inner!.pid], [2, 2, outer!.f['child_pid']])
    assert.ok(Number(inner!.f['child_pid']) > 2)
    assert.equal(inner!.f['child_pidns'], outer!.f['child_pidns'])
  })

  test('threads are no events', () => {
    assert.deepEqual(own(run('thread')), ['execve', 'procexit'])
  })

  test('a process ends with its last thread, and has the status its parent sees', () => {
    const outcome = run('exit-last')
    assert.deepEqual(own(outcome), ['execve', 'procexit'])
    const [end] = only(outcome.records, 'procexit')
    assert.equal(end!.f['ret'], outcome.status)
    assert.notEqual(end!.tid, end!.pid, 'the last thread was not the leader')
  })

  test('many threads that end at once are one end', () => {
    // Three threads on two CPUs meet at the very end in one of a hundred rounds.
    const loop = `i=0; while [ $i -lt 200 ]; do ${tasks} race 3; ${tasks} group 3; i=$((i+1)); done`
    const { records } = live.run('/bin/sh', ['-c', loop])
    const ends = only(records, 'procexit')
    assert.equal(ends.length, 401, 'and the shell')
    assert.equal(new Set(ends.map((r) => r.pid)).size, 401)
    const group = run('group', '20')
    assert.deepEqual([group.status, only(group.records, 'procexit')[0]!.f['ret']], [5, 5])
  })

  for (const name of ['SIGTERM', 'SIGKILL', 'SIGUSR1'] as const)
    test(`ended by ${name}`, () => {
      const number = constants.signals[name]
      const outcome = run('signal', String(number))
      assert.equal(outcome.signal, name)
      assert.deepEqual(pick(only(outcome.records, 'procexit'), 'ret', 'sig', 'core', 'status'), [
        { event: 'procexit', status: number, ret: 0, sig: number, core: 0 },
      ])
    })

  test('a core is told apart', () => {
    const dir = scratchFolder('core')
    chmodSync(dir, 0o777)
    const dumped = live.run('/bin/sh', ['-c', `ulimit -c unlimited; exec ${tasks} signal 6`], { cwd: dir })
    const plain = live.run('/bin/sh', ['-c', `ulimit -c 0; exec ${tasks} signal 6`], { cwd: dir })
    const ends = [dumped, plain].map((o) => only(o.records, 'procexit')[0]!)
    assert.deepEqual(pick(ends, 'ret', 'sig', 'core', 'status'), [
      { event: 'procexit', status: 0x86, ret: 0, sig: 6, core: 1 },
      { event: 'procexit', status: 0x06, ret: 0, sig: 6, core: 0 },
    ])
  })

  test('a new name of the main thread, not that of another', () => {
    const outcome = run('rename', 'a new name that is too long')
    assert.deepEqual(pick(only(outcome.records, 'task_rename'), 'oldname', 'newname'), [
      { event: 'task_rename', oldname: 'tasks', newname: 'a new name that' },
    ])
  })

  test('a new name written to /proc', () => {
    const outcome = live.run('/bin/sh', ['-c', 'echo -n "by file" > /proc/$$/comm'])
    assert.deepEqual(pick(only(outcome.records, 'task_rename'), 'oldname', 'newname'), [
      { event: 'task_rename', oldname: 'sh', newname: 'by file' },
    ])
  })
})

suite('calls that make processes, asked for by name', { skip: NEEDS_ROOT }, () => {
  const tasks = NEEDS_ROOT ? '' : program('tasks')
  let live: Live
  before(() => {
    live = openLive({ events: ['clone', 'clone3', 'fork', 'vfork'] })
  })
  after(() => live?.stop())

  const FIELDS = [
    'res',
    'flags',
    'exit_signal',
    'stack',
    'parent_tid',
    'child_tid',
    'tls',
    'child_pid',
    'size',
  ]
  const THREAD = 0x10000

  test('one event for a process, with what was asked for', () => {
    for (const [how, size] of Object.entries({ fork: 0, vfork: 0, clone: 0, clone3: 88 })) {
      const { records, stdout, pid } = live.run(tasks, [how])
      const made = records.filter((r) => r.pid === pid && r.event === how)
      const [none, child] = [0, Number(stdout)]
      assert.deepEqual(pick(made, ...FIELDS), [
        {
          event: how,
          ...{ res: child, child_pid: child, flags: none, exit_signal: how.startsWith('clone') ? 17 : none },
          ...{ stack: none, parent_tid: none, child_tid: none, tls: none, size },
        },
      ])
    }
  })

  test('a thread makes no process', () => {
    const { records, pid } = live.run(tasks, ['thread'])
    const [made] = only(records, 'clone', 'clone3').filter((r) => r.pid === pid)
    assert.equal(Number(made!.f['flags']) & THREAD, THREAD)
    assert.equal(made!.f['child_pid'], 0)
    assert.ok(Number(made!.f['res']) > pid)
  })

  test('calls that fail, with what was asked for', () => {
    const of = (...words: readonly number[]): Uint8Array =>
      new Uint8Array(BigUint64Array.from(words.map(BigInt)).buffer)
    const { records, results } = live.raw([
      ['clone', THREAD | 10, 0x1000, 0x2000, 0x3000, 0x4000],
      ['clone3', bytes(of(THREAD, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), 88],
      ['clone3', bytes(of(2 ** 33, 0, 0, 0, 17, 0, 0, 0, 0, 0, 1000)), 64],
      ['clone3', bytes(of(THREAD, 1, 2, 3, 4, 5, 6, 7)), 63],
      ['clone3', 8, 88],
    ])
    assert.deepEqual(results, [-EINVAL, -EFAULT, -EINVAL, -EINVAL, -EFAULT])
    assert.deepEqual(
      records.map(({ event, partial, f }) => [
        event,
        partial,
        ...FIELDS.slice(0, 7).map((name) => f[name]),
        f['cgroup'],
      ]),
      [
        ['clone', false, -EINVAL, THREAD, 10, 0x1000, 0x2000, 0x3000, 0x4000, 0],
        ['clone3', false, -EFAULT, THREAD, 4, 5, 3, 2, 7, 10],
        ['clone3', false, -EINVAL, 2 ** 33, 17, 0, 0, 0, 0, 0],
        ['clone3', false, -EINVAL, 0, 0, 0, 0, 0, 0, 0],
        ['clone3', true, -EFAULT, 0, 0, 0, 0, 0, 0, 0],
      ],
    )
  })
})
