import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CLONE_FLAGS } from '../../schema/enums/index.ts'
import type { CgroupQuestion } from '../decode/answers.ts'
import type { RecordInit } from '../decode/encode.ts'
import {
  type Actor,
  event,
  execve,
  exit,
  fork,
  INIT,
  openat,
  SHELL,
  setName,
  snapshot,
} from '../testing/events.ts'
import { createWorld, type World } from '../testing/world.ts'

const CHILD: Actor = { pid: 200, start: 6_000_000_003, uid: 1000 }
const GRANDCHILD: Actor = { pid: 201, start: 7_000_000_003, uid: 1000 }
const at = (actor: Actor, ns: number): { by: Actor; time: number } => ({ by: actor, time: ns })

/** init and a shell below it. */
const withShell = (options = {}): World => {
  const world = createWorld(options)
  world.feed(
    snapshot({ by: INIT, path: '/usr/lib/systemd/systemd', parent: { pid: 0, start: 0 } }),
    snapshot({ by: SHELL, path: '/usr/bin/bash', argv: ['-bash'], parent: INIT, cwd: '/home/alice' }),
  )
  return world
}
const find = (world: World, actor: Actor) => world.table.find(actor.pid, actor.start)

describe('who made an event', () => {
  test('a process of a snapshot is known', () => {
    const world = withShell()
    world.feed(openat({ path: '/etc/hosts' }))
    assert.equal(world.plain('proc.name'), 'bash')
    assert.equal(world.table.counters.unknownProcess, 0)
  })
  test('an unknown process is counted and yields nothing', () => {
    const world = createWorld()
    const context = world.feed(openat({ path: '/etc/hosts' }))
    assert.equal(context.process, undefined)
    assert.equal(world.table.counters.unknownProcess, 1)
    assert.equal(world.table.size, 0)
  })
  test('a later snapshot mends the unknown process', () => {
    const world = createWorld()
    world.feed(openat({ path: '/x' }), snapshot({ path: '/usr/bin/bash' }), openat({ path: '/x' }))
    assert.equal(world.plain('proc.name'), 'bash')
  })
  test('the same pid with another start is another process', () => {
    const world = withShell()
    const context = world.feed(openat({ path: '/x', by: { ...SHELL, start: SHELL.start + 1 } }))
    assert.equal(context.process, undefined)
  })
})

describe('exec', () => {
  test('the event belongs to the process after the exec', () => {
    const world = withShell()
    world.feed(execve({ path: '/usr/bin/dash', argv: ['sh', '-c', 'id'], cwd: '/tmp' }))
    assert.equal(world.plain('proc.name'), 'dash')
    assert.equal(world.plain('proc.cmdline'), 'dash -c id')
    assert.equal(world.plain('proc.cwd'), '/tmp/')
  })
  test('a failed exec changes nothing', () => {
    const world = withShell()
    world.feed(execve({ path: '/usr/bin/nope', res: -2, comm: 'bash' }))
    assert.equal(world.plain('proc.name'), 'bash')
    assert.equal(world.plain('proc.exepath'), '/usr/bin/bash')
  })
  test('a failed exec of an unknown process makes no entry', () => {
    const world = createWorld()
    world.feed(execve({ res: -13 }))
    assert.equal(world.table.size, 0)
    assert.equal(world.table.counters.unknownProcess, 1)
  })
  test('an exec of an unknown process makes it known', () => {
    const world = createWorld()
    world.feed(execve({ path: '/usr/bin/id' }))
    assert.equal(world.plain('proc.name'), 'id')
    assert.equal(world.table.counters.unknownProcess, 0)
  })
  test('computed text follows the new arguments', () => {
    const world = withShell()
    world.feed(execve({ path: '/bin/a', argv: ['a', '1'] }))
    assert.equal(world.plain('proc.cmdline'), 'a 1')
    world.feed(execve({ path: '/bin/a', argv: ['a', '2'] }))
    assert.equal(world.plain('proc.cmdline'), 'a 2')
  })
  test('one that was started alike and renamed itself has a command line of its own', () => {
    const world = withShell()
    const argv = ['a', '1']
    const line = (by: Actor): unknown => {
      world.feed(openat({ path: '/x', by }))
      return world.plain('proc.cmdline')
    }
    world.feed(execve({ path: '/bin/a', argv, by: CHILD }), execve({ path: '/bin/a', argv, by: GRANDCHILD }))
    assert.equal(line(CHILD), 'a 1')
    world.feed(setName({ by: GRANDCHILD, to: 'b' }))
    for (let i = 0; i < 2; i++) {
      assert.equal(line(GRANDCHILD), 'b 1')
      assert.equal(line(CHILD), 'a 1')
    }
    world.feed(setName({ by: GRANDCHILD, to: 'a' }))
    assert.equal(line(GRANDCHILD), 'a 1')
  })
  test('programs with the same arguments and other names have other command lines', () => {
    const world = withShell()
    for (const name of ['a', 'b', 'a']) {
      world.feed(execve({ path: `/bin/${name}`, argv: ['x', '1'] }))
      assert.equal(world.plain('proc.cmdline'), `${name} 1`)
      assert.equal(world.plain('proc.exe'), 'x')
    }
  })
  test('a reused pid is no parent: the start must be the one the kernel gave', () => {
    const world = withShell()
    world.feed(execve({ by: CHILD, parent: { pid: SHELL.pid, start: SHELL.start - 1000 } }))
    assert.equal(world.plain('proc.pname'), undefined)
    assert.equal(world.plain('proc.ppid'), SHELL.pid)
  })
})

describe('fork', () => {
  test('the child is a copy with its own numbers', () => {
    const world = withShell()
    world.feed(fork({ child: CHILD, vpid: 7 }), openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('proc.name'), 'bash')
    assert.equal(world.plain('proc.pname'), 'bash')
    assert.equal(world.plain('proc.ppid'), SHELL.pid)
    assert.equal(world.plain('proc.vpid'), 7)
    assert.equal(world.plain('proc.cwd'), '/home/alice/')
    assert.equal(world.plain('proc.exe'), '-bash')
  })
  test('computed text is shared until one of them changes', () => {
    const world = withShell()
    world.feed(openat({ path: '/x' }))
    const before = world.value('proc.cmdline')
    world.feed(fork({ child: CHILD }), openat({ path: '/x', by: CHILD }))
    assert.equal(world.value('proc.cmdline'), before)
    world.feed(setName({ by: CHILD, to: 'renamed', time: 7e9 }))
    assert.equal(world.plain('proc.cmdline'), 'renamed')
    assert.equal(world.plain('proc.pcmdline'), 'bash')
    world.feed(execve({ path: '/bin/id', argv: ['id', '-u'] }), openat({ path: '/x', by: CHILD }))
    assert.deepEqual([world.plain('proc.cmdline'), world.plain('proc.pcmdline')], ['renamed', 'id -u'])
  })
  test('the event belongs to the parent', () => {
    const world = withShell()
    const context = world.feed(fork({ child: CHILD }))
    assert.equal(context.process?.pid, SHELL.pid)
  })
  test('the child of a named thread starts with the name of the thread', () => {
    const world = withShell()
    world.feed(openat({ path: '/x' }))
    assert.equal(world.plain('proc.cmdline'), 'bash')
    world.feed(fork({ child: CHILD, comm: 'worker-3' }), openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('proc.name'), 'worker-3')
    assert.equal(world.plain('proc.cmdline'), 'worker-3')
  })
  test('a child of an unknown process is known by the little there is', () => {
    const world = createWorld()
    world.feed(fork({ child: CHILD, comm: 'mystery' }), openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('proc.name'), 'mystery')
    assert.equal(world.plain('proc.pname'), undefined)
  })
  test('a brother has the parent of who made it', () => {
    const world = withShell()
    const made = fork({ by: CHILD, child: GRANDCHILD, flags: CLONE_FLAGS.names['CLONE_PARENT']! })
    world.feed(fork({ child: CHILD }), setName({ by: CHILD, to: 'maker' }), made)
    world.feed(openat({ path: '/x', by: GRANDCHILD }))
    assert.deepEqual([world.plain('proc.ppid'), world.plain('proc.pname')], [SHELL.pid, 'bash'])
  })
  test('a fork that comes after the exec of its child does not undo it', () => {
    const world = withShell()
    world.feed(execve({ by: CHILD, path: '/bin/id', parent: SHELL }), fork({ child: CHILD }))
    assert.equal(find(world, CHILD)?.comm.text, 'id')
  })
  test('a change of the parent after the fork is not one of the child', () => {
    const world = withShell()
    world.feed(fork({ child: CHILD }), execve({ path: '/bin/id', argv: ['id'] }))
    world.feed(openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('proc.exe'), '-bash')
    assert.equal(world.plain('proc.pname'), 'id')
  })
})

describe('exit', () => {
  const family = (): World => {
    const world = withShell()
    world.feed(fork({ child: CHILD }), fork({ by: CHILD, child: GRANDCHILD }))
    return world
  }
  test('an exited parent stays reachable', () => {
    const world = family()
    world.feed(exit(at(CHILD, 8e9)), openat({ path: '/x', ...at(GRANDCHILD, 9e9) }))
    assert.equal(world.plain('proc.ppid'), CHILD.pid)
    assert.equal(world.plain('proc.aname[2]'), 'bash')
    assert.equal(world.table.exitedKept, 1)
  })
  test('a late event still finds its exited process', () => {
    const world = family()
    const context = world.feed(exit(at(CHILD, 8e9)), openat({ path: '/x', ...at(CHILD, 8e9) }))
    assert.equal(context.process?.pid, CHILD.pid)
  })
  test('after its time it is gone, and the child keeps the number', () => {
    const world = family()
    world.feed(exit(at(CHILD, 8e9)), openat({ path: '/x', ...at(GRANDCHILD, 8e9 + 61e9) }))
    assert.equal(find(world, CHILD), undefined)
    assert.equal(world.plain('proc.ppid'), CHILD.pid)
    assert.equal(world.plain('proc.pname'), undefined)
  })
  test('a pid that comes back without an exit in between is counted', () => {
    const world = family()
    const reborn: Actor = { ...CHILD, start: CHILD.start + 5e9 }
    world.feed(fork({ by: SHELL, child: reborn, time: 12e9 }))
    assert.equal(world.table.counters.missedExits, 1)
    world.feed(openat({ path: '/x', ...at(GRANDCHILD, 12e9) }))
    assert.equal(world.value('proc.ppid'), CHILD.pid)
    assert.equal(find(world, CHILD)?.start, CHILD.start)
    assert.equal(find(world, reborn)?.start, reborn.start)
  })
})

test('the name of the main thread can change', () => {
  const world = withShell()
  world.feed(setName({ to: 'kworker/0:1' }))
  assert.equal(world.plain('proc.name'), 'kworker/0:1')
  assert.equal(world.plain('proc.cmdline'), 'kworker/0:1')
})

describe('coarse start times', () => {
  const coarse: Actor = { ...SHELL, start: 5_000_000_000 }
  test("the kernel's start replaces the one from /proc", () => {
    const world = createWorld()
    world.feed(snapshot({ by: coarse, path: '/bin/bash' }))
    assert.equal(find(world, coarse)?.coarse, true)
    world.feed(openat({ path: '/x', by: SHELL }))
    assert.equal(world.plain('proc.name'), 'bash')
    assert.equal(find(world, SHELL)?.coarse, false)
    assert.equal(world.table.counters.coarseReplaced, 1)
    assert.equal(world.table.size, 1)
  })
  test('a start more than a tick away is another process', () => {
    const world = createWorld()
    const context = world.feed(
      snapshot({ by: coarse, path: '/bin/bash' }),
      openat({ path: '/x', by: { ...SHELL, start: 5_010_000_001 } }),
    )
    assert.equal(context.process, undefined)
  })
  test('children found in /proc keep their parent when it gets its exact start', () => {
    const world = createWorld()
    world.feed(snapshot({ by: coarse, path: '/bin/bash' }), snapshot({ by: CHILD, parent: coarse }))
    world.feed(openat({ path: '/x', by: SHELL }), openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('proc.pname'), 'bash')
  })
})

describe('snapshots', () => {
  test('an older one does not undo an exec', () => {
    const world = createWorld()
    world.feed(execve({ path: '/bin/new', time: 2000 }), snapshot({ path: '/bin/old', time: 1000 }))
    assert.equal(find(world, SHELL)?.comm.text, 'new')
  })
  test('an older one does not undo a new name', () => {
    const world = createWorld()
    world.feed(execve({ time: 1000 }), setName({ to: 'new', time: 3000 }), snapshot({ time: 2000 }))
    assert.equal(find(world, SHELL)?.comm.text, 'new')
  })
  test('the child may come before its parent', () => {
    const world = createWorld()
    world.feed(snapshot({ by: CHILD, parent: SHELL }), snapshot({ by: SHELL, path: '/bin/bash' }))
    world.feed(openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('proc.pname'), 'bash')
  })
})

describe('containers', () => {
  const ID = 'a1b2c3d4e5f6'.padEnd(64, '0')
  test('the id comes from the cgroup and passes to children', () => {
    const world = createWorld()
    world.feed(execve({ cgroup: `/system.slice/docker-${ID}.scope` }), fork({ child: CHILD }))
    world.feed(openat({ path: '/x', by: CHILD }))
    assert.equal(world.plain('container.id'), 'a1b2c3d4e5f6')
  })
  test('the v1 path counts when the v2 path says nothing', () => {
    const world = createWorld()
    world.feed(execve({ cgroup: '/', cgroupV1: `/docker/${ID}` }))
    assert.equal(world.plain('container.id'), 'a1b2c3d4e5f6')
  })
  test('without one it is the host', () => {
    const world = createWorld()
    world.feed(execve({ cgroup: '/user.slice/session-1.scope' }))
    assert.equal(world.plain('container.id'), 'host')
  })
  describe('a process is moved without executing anything', () => {
    const inGroup = (init: RecordInit, cgroup: number, cgroupV1 = 7): RecordInit => ({
      ...init,
      cgroup,
      cgroupV1,
    })
    const start = () => {
      const asked: CgroupQuestion[] = []
      const world = createWorld({ askCgroup: (question) => asked.push(question) > 0 })
      world.feed(inGroup(execve({ cgroup: '/' }), 1))
      return { world, asked }
    }
    test('into a cgroup that is known from another', () => {
      const { world, asked } = start()
      world.feed(inGroup(execve({ by: CHILD, cgroup: `/docker/${ID}` }), 2))
      world.feed(inGroup(openat({ path: '/x' }), 2))
      assert.equal(world.plain('container.id'), 'a1b2c3d4e5f6')
      world.feed(inGroup(openat({ path: '/x' }), 1))
      assert.equal(world.plain('container.id'), 'host')
      assert.deepEqual(asked, [])
    })
    test('a question that is put off is asked at the next event', () => {
      let free = false
      const asked: CgroupQuestion[] = []
      const world = createWorld({ askCgroup: (question) => free && asked.push(question) > 0 })
      const move = inGroup(openat({ path: '/x' }), 3)
      world.feed(inGroup(execve({ cgroup: '/' }), 1), move)
      free = true
      world.feed(move, move)
      assert.equal(asked.length, 1)
    })
    test('into one that nobody knows: asked once, and the answer counts', () => {
      const { world, asked } = start()
      world.feed(inGroup(openat({ path: '/x' }), 3), inGroup(openat({ path: '/x' }), 3))
      assert.equal(world.plain('container.id'), 'host')
      assert.deepEqual(asked, [{ pid: SHELL.pid, start: SHELL.start, cgroup: 3, cgroupV1: 7 }])
      world.table.moved({ ...asked[0]!, paths: ['/', `/libpod-${ID}`] })
      assert.equal(world.plain('container.id'), 'a1b2c3d4e5f6')
    })
    test('an answer that comes after the next move counts for others only', () => {
      const { world, asked } = start()
      world.feed(inGroup(openat({ path: '/x' }), 3), inGroup(openat({ path: '/x' }), 1))
      world.table.moved({ ...asked[0]!, paths: [`/docker/${ID}`] })
      assert.equal(world.plain('container.id'), 'host')
      world.feed(
        inGroup(execve({ by: CHILD, cgroup: '/' }), 1),
        inGroup(openat({ path: '/x', by: CHILD }), 3),
      )
      assert.equal(world.plain('container.id'), 'a1b2c3d4e5f6')
    })
    test('in either hierarchy', () => {
      const { world, asked } = start()
      world.feed(inGroup(openat({ path: '/x' }), 1, 8))
      assert.equal(asked[0]?.cgroupV1, 8)
    })
    test('ids that become known are no move', () => {
      const { world, asked } = start()
      world.feed(
        snapshot({ by: CHILD, cgroup: `/docker/${ID}` }),
        inGroup(openat({ path: '/x', by: CHILD }), 3),
      )
      assert.equal(world.plain('container.id'), 'a1b2c3d4e5f6')
      assert.deepEqual(asked, [])
    })
  })
})

describe('bounds', () => {
  const actor = (i: number): Actor => ({ pid: 1000 + i, start: 1e9 + i * 1000 + 1 })
  test('the number of processes is bounded and living ones are thrown out only without exited ones', () => {
    const world = createWorld({ max: 10, maxExited: 10 })
    for (let i = 0; i < 10; i++) world.feed(execve({ by: actor(i), time: 1e9 }))
    world.feed(exit(at(actor(4), 2e9)), execve({ by: actor(10), time: 3e9 }))
    assert.equal(find(world, actor(4)), undefined)
    assert.deepEqual([world.table.size, world.table.counters.evicted], [10, 0])
    assert.equal(world.table.counters.evictedExited, 1)
    world.feed(execve({ by: actor(11), time: 3e9 }))
    assert.deepEqual([world.table.size, world.table.counters.evicted], [10, 1])
  })
  test('who makes events is thrown out after who does not', () => {
    const world = createWorld({ max: 4 })
    for (let i = 0; i < 4; i++) world.feed(execve({ by: actor(i), time: 1e9 }))
    world.feed(execve({ by: actor(4), time: 1e9 }))
    world.feed(openat({ path: '/x', ...at(actor(1), 1e9) }))
    world.feed(execve({ by: actor(5), time: 1e9 }))
    assert.ok(find(world, actor(1)))
    assert.equal(find(world, actor(2)), undefined)
  })
  test('arguments have a budget in bytes, and a forked copy costs nothing', () => {
    const world = createWorld({ maxBytes: 10_000 })
    const argv = ['x'.repeat(999)]
    for (let i = 0; i < 9; i++) world.feed(execve({ by: actor(i), argv, time: 1e9 }))
    assert.equal(world.table.bytes, 9000)
    world.feed(fork({ by: actor(0), child: actor(50), time: 1e9 }))
    assert.equal(world.table.bytes, 9000)
    for (let i = 9; i < 30; i++) world.feed(execve({ by: actor(i), argv, time: 1e9 }))
    assert.ok(world.table.bytes <= 10_000)
    assert.ok(world.table.counters.evicted > 0)
  })
  test('arguments that several were started with are counted once, until the last of them ends', () => {
    const world = createWorld({ keepExitedNs: 1e9 })
    const argv = ['sh', '-c', 'true']
    for (let i = 0; i < 3; i++) world.feed(execve({ by: actor(i), argv, time: 1e9 }))
    assert.equal(world.table.bytes, 11)
    for (let i = 0; i < 3; i++) world.feed(exit(at(actor(i), 1e9)))
    world.feed(openat({ path: '/x', ...at(actor(9), 9e9) }))
    assert.equal(world.table.bytes, 0)
    world.feed(execve({ by: actor(4), argv, time: 9e9 }))
    assert.equal(world.table.bytes, 11)
  })
  test('a pid that is reused at once leaves few behind', () => {
    const world = createWorld({ max: 1000 })
    for (let i = 0; i < 100; i++) {
      const by = { pid: 77, start: 1e9 + i * 1000 + 1 }
      world.feed(execve({ by, time: 1e9 + i }), exit(at(by, 1e9 + i)))
    }
    assert.equal(world.table.size, 4)
  })
  test('exited processes are bounded by number', () => {
    const world = createWorld({ max: 100, maxExited: 5 })
    for (let i = 0; i < 20; i++) world.feed(execve({ by: actor(i), time: 1e9 }), exit(at(actor(i), 1e9)))
    world.feed(execve({ by: actor(90), time: 1e9 }))
    assert.equal(world.table.exitedKept, 5)
  })

  const step = fc.record({
    kind: fc.constantFrom('exec', 'fork', 'exit', 'open', 'rename', 'snapshot'),
    pid: fc.integer({ min: 1, max: 12 }),
    start: fc.constantFrom(1e7, 10_000_001, 2e7, 30_000_003),
    child: fc.integer({ min: 1, max: 12 }),
    time: fc.integer({ min: 0, max: 200 }),
  })
  test('whatever the order of events, sizes stay within bounds and walks end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const world = createWorld({ max: 8, maxExited: 4, maxBytes: 64 })
        for (const { kind, pid, start, child, time } of steps) {
          const by: Actor = { pid, start }
          const common = { by, time: time * 1e9 }
          if (kind === 'exec') world.feed(execve({ ...common, parent: { pid: child, start } }))
          else if (kind === 'snapshot') world.feed(snapshot({ ...common, parent: by }))
          else if (kind === 'fork') world.feed(fork({ ...common, child: { pid: child, start } }))
          else if (kind === 'exit') world.feed(exit(common))
          else if (kind === 'rename') world.feed(setName({ ...common, to: 'n' }))
          else world.feed(event('write', common))
          const { size, exitedKept, bytes } = world.table
          assert.ok(size <= 8 && exitedKept <= size && bytes >= 0)
          assert.ok(world.candidates('proc.aname').length <= 64)
        }
      }),
      { numRuns: 200 },
    )
  })
})
