/** The processes that run when the agent starts: from the kernel's iterator, and the same from /proc. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Interner } from '../../src/decode/interner.ts'
import { snapshotFromProc } from '../../src/sources/kernel/snapshot.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { copyRecord, type Live, NEEDS_ROOT, openLive, type Seen } from './support/live.ts'
import { program } from './support/programs.ts'

suite('snapshot', { skip: NEEDS_ROOT }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('snapshot')
  const children: ChildProcess[] = []
  let live: Live
  let fromProc: Map<number, Seen>

  /** Start `tasks sleep` and wait until it runs. */
  const start = async (command: string, args: readonly string[], options = {}): Promise<number> => {
    const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    await once(child.stdout!, 'data')
    return child.pid!
  }
  const odd = NEEDS_ROOT ? '' : join(dir, 'ü (deleted) x')
  let plain = 0
  let long = 0
  let nobody = 0
  let strange = 0
  let memory = 0

  before(async () => {
    const tasks = program('tasks')
    chmodSync(dir, 0o755)
    mkdirSync(odd)
    copyFileSync(tasks, join(odd, 'tä) S 1'))
    plain = await start(tasks, ['sleep', 'two words', ''], { cwd: dir })
    // Longer than the buffer the kernel has for a record of an iterator.
    long = await start(tasks, ['sleep', ...Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(1000, 'x'))])
    nobody = await start(tasks, ['sleep'], { uid: 65534, gid: 65533 })
    strange = await start(join(odd, 'tä) S 1'), ['sleep', 'ä\n'], { cwd: odd })
    memory = await start(tasks, ['fexec', tasks, 'memfd', 'in memory', 'sleep'])
    live = openLive()
    fromProc = new Map()
    snapshotFromProc(new Interner(), (view) => {
      if (children.some((child) => child.pid === view.pid)) fromProc.set(view.pid, copyRecord(view))
    })
  })
  after(async () => {
    live?.stop()
    for (const child of children) child.stdin!.end()
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  })

  const found = (pid: number): Seen => {
    const records = live.snapshot.filter((r) => r.pid === pid)
    assert.equal(records.length, 1)
    return records[0]!
  }

  test('comes from the iterator here, and has every process of ours once', () => {
    assert.equal(live.source.snapshot?.from, 'iterator')
    assert.ok(live.source.snapshot!.processes >= children.length + 1)
    for (const child of children) found(child.pid!)
  })

  test('process 1 is there, even where it is kept from iterators', () => {
    const pids: number[] = []
    const source = openLive({ snapshot: (view) => pids.push(view.pid) })
    source.stop()
    assert.equal(pids.filter((pid) => pid === 1).length, 1)
  })

  test('a process has arguments, directory, executable', () => {
    const { f, pid } = found(plain)
    const tasks = program('tasks')
    assert.deepEqual(
      [f['argv'], f['cwd'], f['exe_path'], f['comm'], f['ppid'], f['vpid'], f['exe_flags'], f['uid']],
      [[tasks, 'sleep', 'two words', ''], dir, tasks, 'tasks', process.pid, pid, 1, 0],
    )
  })

  test('long arguments are cut and tell their length', () => {
    const { f, cut, partial } = found(long)
    assert.equal(cut['argv'], program('tasks').length + 1 + 6 + 60 * 1001)
    assert.ok((f['argv'] as string[]).join('\0').length >= 12000)
    assert.equal(partial, false)
  })

  test('the fallback agrees on everything it can know', () => {
    const same = [
      'ppid',
      'parent_start',
      'comm',
      'exe_path',
      'exe_ino',
      'exe_dev',
      'exe_ctime',
      'exe_mtime',
      'exe_flags',
      'cwd',
      'uid',
      'gid',
      'loginuid',
      'tty',
      'pgid',
      'vpgid',
      'sid',
      'vsid',
      'vpid',
      'pidns',
      'mntns',
      'cap_inheritable',
      'cap_permitted',
      'cap_effective',
      'cgroup_path',
      'argv',
    ]
    for (const pid of [plain, nobody, strange, memory]) {
      const kernel = found(pid)
      const proc = fromProc.get(pid)!
      // Start times in /proc have ticks of 10 ms.
      const tick = (value: unknown): bigint => BigInt(value as bigint | number) / 10_000_000n
      assert.equal(tick(proc.start), tick(kernel.start))
      assert.deepEqual([proc.uid, proc.pid], [kernel.uid, kernel.pid])
      for (const name of same) {
        const [a, b] = [proc.f[name], kernel.f[name]]
        if (name === 'parent_start') assert.equal(tick(a), tick(b), name)
        else assert.deepEqual(a, b, `${name} of ${kernel.f['comm']}`)
      }
    }
  })

  test('a later event has the identity of the snapshot', async () => {
    const child = children.find((c) => c.pid === plain)!
    const before = found(plain)
    child.stdin!.end()
    await once(child, 'exit')
    const end = live.take().find((r) => r.event === 'procexit' && r.pid === plain)
    assert.equal(end?.start, before.start)
  })
})
