/** Guards in the running kernel: nothing that a rule matches is passed over, and they decide as the reference does. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CLEAN, createRandom, EVENTS, randomCondition, randomRule } from '../../src/testing/guard-cases.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { assertParity, assertSound, type Guarded, openGuarded, ruleFile } from './support/guarded.ts'
import { NEEDS_ROOT } from './support/live.ts'
import { program } from './support/programs.ts'
import { randomCalls } from './support/random-calls.ts'
import { AT_FDCWD, type Call, ref } from './support/raw.ts'

const using = (rules: Readonly<Record<string, string>>, body: (guarded: Guarded) => void): void => {
  const guarded = openGuarded(ruleFile(rules))
  try {
    assert.deepEqual(guarded.source.failures, [])
    assert.equal(guarded.source.guardFailure, undefined)
    body(guarded)
  } finally {
    guarded.stop()
  }
}

suite('guards', { skip: NEEDS_ROOT, timeout: 120_000 }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('guards')

  test('opens by directory, name and ending', () => {
    const [etc, other] = [join(dir, 'etc'), join(dir, 'other')]
    for (const folder of [etc, join(etc, 'deep'), other]) mkdirSync(folder)
    for (const file of [
      'etc/shadow',
      'etc/x',
      'etc/deep/x.conf',
      'other/shadow',
      'other/x.conf',
      'other/a.service',
    ])
      writeFileSync(join(dir, file), '')
    const rules = {
      exact: `evt.type = openat and fd.name = ${join(etc, 'shadow')}`,
      below: `evt.type = openat and fd.name startswith ${etc}/deep/`,
      ending: `evt.type = openat and fd.name endswith .service`,
      writes: `evt.type = openat and evt.is_open_write = true and fd.directory = ${etc}`,
    }
    using(rules, (guarded) => {
      const open = (...names: string[]): Call[] => names.map((name) => ['openat', AT_FDCWD, name, 0])
      const { judged } = guarded.raw([
        ...open(
          ...['etc/shadow', 'etc/x', 'etc/deep/x.conf', 'other/shadow', 'other/x.conf'].map((f) =>
            join(dir, f),
          ),
        ),
        ['chdir', dir],
        ...open(
          'etc/shadow',
          'etc/x',
          'etc/deep/x.conf',
          'other/shadow',
          'other/a.service',
          'etc/missing',
          'etc/../etc/x',
        ),
        ['chdir', etc],
        ...open('shadow', 'x', 'deep/x.conf', '../other/x.conf'),
        ['openat', AT_FDCWD, 'x', 1],
      ])
      assertSound(judged)
      assertParity(judged)
      assert.deepEqual(
        judged.map(({ matched, passedOver }) => (passedOver ? '-' : matched.join())),
        [
          ...['exact', '-', 'below', '-', '-'],
          ...['exact', '-', 'below', '-', 'ending', '-', '-'],
          ...['exact', '-', 'below', '-', 'writes'],
        ],
      )
    })
  })

  test('names are cleaned', () => {
    const [one, deep] = [join(dir, 'one'), join(dir, 'one/deep')]
    mkdirSync(deep, { recursive: true })
    const rules = {
      exact: `evt.type = openat and fd.name = ${join(one, 'only')}`,
      deep: `evt.type = openat and fd.name = ${deep}`,
    }
    using(rules, (guarded) => {
      const open = (...names: string[]): Call[] => names.map((name) => ['openat', AT_FDCWD, name, 0])
      const tidied = [
        './only',
        '/only',
        './x',
        '/x',
        'x/.',
        'x/../only',
        'x/../x',
        'x/..',
        'deep/..',
        'deep/',
      ]
      const { judged } = guarded.raw([
        ...open(...tidied.map((name) => `${one}/${name}`), '/', '/../..'),
        ['chdir', deep],
        ...open(
          '../only',
          '../x',
          '..',
          '.',
          './',
          '../deep',
          'x/../../only',
          '../../one/./deep/',
          '../../..',
        ),
        // Above the root is the root, and what climbs far is not followed.
        ...open(`${'../'.repeat(9)}x`, `${'../'.repeat(40)}x`),
      ])
      assertSound(judged)
      assertParity(judged)
      assert.deepEqual(
        judged.map(({ matched, passedOver }) => (passedOver ? '-' : matched.join())),
        [
          ...['exact', 'exact', '-', '-', '-', 'exact', '-', '-', '-', 'deep', '', ''],
          ...['exact', '-', '-', 'deep', 'deep', 'deep', 'exact', 'deep', '-'],
          ...['', ''],
        ],
      )
    })
  })

  test('directories are told from other files, and everything in a tree is like its top', () => {
    const tree = join(dir, 'tree')
    mkdirSync(join(tree, 'a/b/c'), { recursive: true })
    mkdirSync(join(tree, 'asked/below'), { recursive: true })
    for (const file of ['a/x', 'a/b/x', 'a/b/c/x', 'asked/x', 'asked/below/x'])
      writeFileSync(join(tree, file), '')
    const rules = {
      file: `evt.type = openat and fd.typechar = f and fd.filename in (a, b, c, ${tree.slice(tree.lastIndexOf('/') + 1)})`,
      folder: `evt.type = openat and fd.typechar = d and fd.filename = c`,
      asked: `evt.type = openat and fd.name startswith ${tree}/asked/`,
      component: `evt.type = openat and fd.name contains /b/`,
    }
    using(rules, (guarded) => {
      const names = [
        '',
        'a',
        'a/x',
        'a/b',
        'a/b/x',
        'a/b/c',
        'a/b/c/x',
        'asked',
        'asked/x',
        'asked/below',
        'asked/below/x',
      ]
      const { judged } = guarded.raw(names.map((name): Call => ['openat', AT_FDCWD, join(tree, name), 0]))
      assertSound(judged)
      assertParity(judged)
      assert.deepEqual(
        judged.map(({ matched, passedOver }) => (passedOver ? '-' : matched.join())),
        ['-', '-', '-', '-', 'component', 'folder,component', 'component', '-', 'asked', 'asked', 'asked'],
      )
    })
  })

  test('pipes, sockets and their like have names that nobody asks for', () => {
    using(
      { conf: 'evt.type = write and fd.name endswith .conf', exact: 'evt.type = write and fd.filename = x' },
      (guarded) => {
        const judged = guarded.run('bash', [
          '-c',
          `echo x | cat > /dev/null; echo y > ${dir}/y; echo z > ${dir}/z.conf`,
        ])
        assertSound(judged)
        assertParity(judged)
        const writes = judged.filter(({ event }) => event === 'write')
        assert.deepEqual(
          writes.filter(({ passedOver }) => !passedOver).map(({ matched }) => matched.join()),
          ['conf'],
        )
        assert.ok(writes.length >= 4, `${writes.length} writes`)
      },
    )
  })

  test('operations of io_uring', () => {
    const at = join(dir, 'uring')
    mkdirSync(at)
    const rules = {
      made: `evt.type in (openat, openat2) and fd.name = ${join(at, 'made')}`,
      writes: 'evt.type = write and fd.name endswith .nothing',
      names:
        'evt.type in (unlinkat, renameat2, linkat) and (fs.path.name endswith /third or fs.path.source endswith /second)',
      folder: 'evt.type in (mkdirat, statx) and evt.arg.path endswith /folder',
      other: 'evt.type in (fallocate, fsync, close, read) and proc.name = another',
      failed: 'evt.type = mkdirat and evt.failed = true and proc.name = uring',
      sockets: 'evt.type in (connect, sendto) and fd.sport = 4444',
      packets: 'evt.type = socket and evt.arg.domain = AF_PACKET',
    }
    using(rules, (guarded) => {
      const judged = guarded.run(program('uring'), [at, '1'])
      assertSound(judged)
      assertParity(judged)
      const of = (event: string): readonly string[] =>
        judged
          .filter((one) => one.event === event)
          .map(({ matched, passedOver }) => (passedOver ? '-' : matched.join()))
      assert.deepEqual(of('openat').slice(0, 3), ['made', 'made', '-'])
      assert.ok(of('write').includes('-'))
      assert.deepEqual(
        [of('linkat'), of('renameat2'), of('unlinkat')],
        [['names'], ['names'], ['names', '-']],
      )
      assert.deepEqual(of('mkdirat'), ['folder', 'folder,failed'])
      // What the program does by syscalls is judged alike.
      for (const event of ['statx', 'fsync', 'close', 'read', 'socket'])
        assert.deepEqual([...new Set(of(event))], ['-'], event)
      assert.deepEqual(of('connect').slice(0, 1), ['-'])
    })
  })

  test('the root of a process by whatever name it has elsewhere', () => {
    const at = join(dir, 'root')
    mkdirSync(at)
    using({ root: 'evt.type = ftruncate and fd.name = /' }, (guarded) => {
      const { judged } = guarded.raw([
        ['chroot', at],
        ['openat', AT_FDCWD, '/', 0],
        ['ftruncate', ref(1), 0],
      ])
      assertSound(judged)
      assert.deepEqual(
        judged.map(({ matched }) => matched.join()),
        ['root'],
      )
    })
  })

  test('arguments, how calls end, and names of executables', () => {
    const rules = {
      attach: 'evt.type = ptrace and evt.arg.request contains PTRACE_ATTACH',
      signal: 'evt.type = signal_generate and evt.arg.sig = SIGURG',
      protection: 'evt.type = mprotect and evt.arg.prot contains PROT_EXEC',
      mounted: 'evt.type = mount and evt.failed = false',
      mounting: 'evt.type = mount and evt.arg.dir startswith /etc and proc.exepath endswith /raw',
      elsewhere: 'evt.type = mprotect and proc.exepath endswith /other',
    }
    using(rules, (guarded) => {
      const { judged } = guarded.raw([
        ['ptrace', 17, 0x3ffffff, 0, 0],
        ['ptrace', 16, 0x3ffffff, 0, 0],
        ['mprotect', 0, 0, 3],
        ['mprotect', 0, 0, 7],
        ['mount', 'none', '/etc', 'nosuch', 0, 0],
        ['mount', 'none', '/usr/bin', 'nosuch', 0, 0],
        ['getpid'],
        ['kill', ref(6), 28],
        ['kill', ref(6), 23],
      ])
      assertSound(judged)
      assertParity(judged)
      // The loader of programs protects memory before; at its end the program has a signal sent to us.
      const first = judged.findIndex(({ event }) => event === 'ptrace')
      assert.deepEqual(
        judged
          .slice(first, first + 8)
          .map(({ event, matched, passedOver }) => `${event} ${passedOver ? '-' : matched.join()}`),
        [
          ...['ptrace -', 'ptrace attach', 'mprotect -', 'mprotect protection', 'mount mounting', 'mount -'],
          ...['signal_generate -', 'signal_generate signal'],
        ],
      )
    })
  })

  test('executions by the process, its directory, its first argument and what is remarkable about the file', () => {
    const [shm, other] = [join(dir, 'shm'), join(dir, 'other/deep')]
    for (const folder of [shm, other]) mkdirSync(folder, { recursive: true })
    const tool = join(shm, 'tool')
    copyFileSync('/bin/true', tool)
    const rules = {
      exe: `evt.type = execve and proc.exe startswith ${shm}/`,
      cwd: `evt.type = execve and proc.cwd startswith ${shm}/ and proc.exe startswith "./"`,
      name: 'evt.type = execve and proc.name = tool',
      failed: 'evt.type = execve and evt.failed = true and evt.res = EACCES',
      memory: 'evt.type in (execve, execveat) and proc.is_exe_from_memfd = true',
    }
    using(rules, (guarded) => {
      const exec = (file: string, cwd: string, argv0 = file, args: string[] = []): string => {
        const judged = guarded.run(file, args, { cwd, argv0 })
        assertSound(judged)
        assertParity(judged)
        return judged
          .filter(({ event }) => event === 'execve')
          .map(({ matched, passedOver }) => (passedOver ? '-' : matched.join()))
          .join(' ')
      }
      // A cgroup that no process was seen in passes.
      exec('/bin/true', other)
      assert.deepEqual(
        [
          exec('/bin/true', other),
          exec('/bin/true', other, 'true'),
          exec('/bin/true', other, `${shm}/true`),
          exec('/bin/true', other, `${shm}/../true`),
          exec('/bin/true', other, `${dir}//x`),
          exec('/bin/true', shm),
          exec('/bin/true', shm, './true'),
          exec('/bin/true', other, './true'),
          exec('/bin/true', other, ''),
          exec('/bin/true', other, `/${'x'.repeat(300)}`),
          exec(tool, other, 'x'),
          // Of one that failed the kernel does not know what the process was started with.
          exec('/bin/sh', other, 'sh', ['-c', `exec ${dir}`]),
          exec('/bin/sh', other, 'sh', ['-c', 'exec ./missing']),
        ],
        ['-', '-', 'exe', 'exe', '', '', 'cwd', '-', '-', '', 'name', '- failed', '- '],
      )
    })
  })

  test('an exec that no rule can match wakes nobody, and comes all the same', async () => {
    const guarded = openGuarded(ruleFile({ marker: 'evt.type = execve and proc.exe = /tarsier/marker' }))
    try {
      const seen: number[] = []
      const execs = (): number => {
        seen.push(...guarded.take().flatMap(({ event, pid }) => (event === 'execve' ? [pid] : [])))
        return seen.length
      }
      // Cgroups that run here are known from then on.
      await promisify(execFile)('/bin/true')
      execs()
      const before = guarded.source.wakeups.wakes
      const [first, n] = [seen.length, 40]
      for (let i = 0; i < n; i++) await promisify(execFile)('/bin/true')
      const wakes = guarded.source.wakeups.wakes - before
      assert.ok(wakes < n / 2, `${wakes} wake-ups for ${n} executions`)
      // One that a rule matches insists, though the others have not been read. Looks that nobody asked for do not count.
      const looks = (): number => guarded.source.wakeups.wakes + guarded.source.wakeups.ticks
      const still = looks()
      spawnSync('/bin/true', [], { argv0: '/tarsier/marker' })
      for (let ms = 0; ms < 10_000 && looks() === still; ms += 5) await sleep(5)
      assert.ok(looks() > still, 'an exec that a rule matches wakes')
      assert.equal(execs() - first, n + 1)
    } finally {
      guarded.stop()
    }
  })

  const ROUNDS = Number(process.env['TARSIER_GUARD_ROUNDS'] ?? 6)

  test(`random rules and real calls, ${ROUNDS} rounds`, () => {
    const seed = Number(process.env['TARSIER_GUARD_SEED'] ?? 1)
    const random = createRandom(seed)
    const conditions = (): string =>
      ruleFile(
        Object.fromEntries(
          Array.from({ length: 8 }, (_, i) => [
            `r${i}`,
            random.chance(40) ? randomCondition(random, 1) : randomRule(random),
          ]),
        ),
      )
    const guarded = openGuarded(conditions(), { events: EVENTS })
    const counts = { judged: 0, passedOver: 0, matched: 0, exact: 0 }
    try {
      for (let round = 0; round < ROUNDS; round++) {
        if (round > 0) guarded.reload(conditions())
        for (let i = 0; i < 4; i++) {
          const tree = join(dir, `tree${round}.${i}`)
          for (const folder of CLEAN) mkdirSync(join(tree, folder, random.pick(CLEAN)), { recursive: true })
          const { judged } = guarded.raw(randomCalls(random, tree))
          assertSound(judged)
          assertParity(judged)
          counts.judged += judged.length
          for (const { passedOver, matched, live, reference } of judged) {
            if (passedOver) counts.passedOver++
            if (matched.length > 0) counts.matched++
            if (live === reference) counts.exact++
          }
        }
      }
    } finally {
      guarded.stop()
    }
    const share = (n: number): number => n / counts.judged
    const text = JSON.stringify(counts)
    assert.ok(share(counts.passedOver) > 0.05 && counts.matched > 0, text)
    assert.ok(share(counts.exact) > 0.7, text)
  })
})
