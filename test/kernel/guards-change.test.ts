/**
 * What changes while guards are at work: names of directories, mounts, roots, processes, and the rules themselves. Each
 * test ends with something that a rule matches only after the change.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { byProgram } from '../../src/health/ledger.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Guarded, type GuardedOptions, type Judged, openGuarded, ruleFile } from './support/guarded.ts'
import { NEEDS_ROOT } from './support/live.ts'
import { AT_FDCWD, type Call, ref } from './support/raw.ts'

const MS_BIND = 4096
const MS_PRIVATE_ALL = 0x44000
const CLONE_NEWNS = 0x20000
const MNT_DETACH = 2

const using = <T>(
  rules: Readonly<Record<string, string>>,
  body: (guarded: Guarded) => T,
  options?: GuardedOptions,
): T => {
  const guarded = openGuarded(ruleFile(rules), options)
  const stop = () => guarded.stop()
  let result: T
  try {
    assert.deepEqual([guarded.source.failures, guarded.source.guardFailure], [[], undefined])
    result = body(guarded)
  } catch (error) {
    stop()
    throw error
  }
  if (!(result instanceof Promise)) {
    stop()
    return result
  }
  return result.finally(stop) as T
}

const open = (...names: string[]): Call[] => names.map((name) => ['openat', AT_FDCWD, name, 0])

/** Rules matched by each open (pipes apart), `-` for one that was passed over; a rule must never match one of those. */
function verdicts(judged: readonly Judged[], of = 'openat'): string[] {
  for (const { passedOver, matched, about } of judged) assert.ok(!passedOver || matched.length === 0, about)
  return judged
    .filter(({ event, about }) => event === of && !about.includes('"paths":[{}]'))
    .map(({ passedOver, matched }) => (passedOver ? '-' : matched.join()))
}

suite('guards and change', { skip: NEEDS_ROOT, timeout: 120_000 }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('guards-change')
  const folder = (...names: string[]): void => {
    for (const name of names) {
      mkdirSync(join(dir, name), { recursive: true })
      writeFileSync(join(dir, name, 'f'), '')
    }
  }
  const at = (...names: string[]): string => join(dir, ...names)
  const below = (name: string): Record<string, string> => ({
    below: `evt.type = openat and fd.name startswith ${at(name)}/`,
  })
  const PRIVATE: Call[] = [
    ['unshare', CLONE_NEWNS],
    ['mount', 'none', '/', 0, MS_PRIVATE_ALL, 0],
  ]

  test('a watched directory is renamed, and another takes its name', () => {
    folder('rename/watched/deep', 'rename/other/deep')
    const [watched, other, away] = [at('rename/watched'), at('rename/other'), at('rename/away')]
    using(below('rename/watched'), (guarded) => {
      const files = [join(watched, 'deep/f'), join(other, 'deep/f')]
      const { judged } = guarded.raw([
        ...open(...files, ...files),
        ['chdir', join(other, 'deep')],
        ...open('f'),
        ['rename', watched, away],
        ['rename', other, watched],
        ...open(join(watched, 'deep/f'), join(away, 'deep/f'), 'f'),
      ])
      assert.deepEqual(verdicts(judged), ['below', '-', 'below', '-', '-', 'below', '-', 'below'])
    })
  })

  test('something is mounted on a watched directory, and taken away again', () => {
    folder('mount/watched/deep', 'mount/from/deep')
    const [watched, from] = [at('mount/watched'), at('mount/from')]
    using(below('mount/watched'), (guarded) => {
      const { judged } = guarded.raw([
        ...PRIVATE,
        ...open(join(from, 'deep/f')),
        ['chdir', join(from, 'deep')],
        ...open('f'),
        ['mount', from, watched, 0, MS_BIND, 0],
        ...open(join(watched, 'deep/f'), 'f'),
        ['chdir', join(watched, 'deep')],
        ...open('f'),
        ['umount2', watched, MNT_DETACH],
        ...open(join(watched, 'deep/f')),
      ])
      // After the umount the directory that `f` would start from hangs nowhere.
      assert.deepEqual(verdicts(judged), ['-', '-', 'below', '-', 'below', 'below'])
    })
  })

  test('a watched directory is mounted elsewhere: its name there is another', () => {
    folder('elsewhere/watched/deep', 'elsewhere/to')
    using(below('elsewhere/watched'), (guarded) => {
      const { judged } = guarded.raw([
        ...PRIVATE,
        ...open(at('elsewhere/watched/deep/f')),
        ['mount', at('elsewhere/watched'), at('elsewhere/to'), 0, MS_BIND, 0],
        ...open(at('elsewhere/to/deep/f'), at('elsewhere/watched/deep/f')),
      ])
      assert.deepEqual(verdicts(judged), ['below', '-', 'below'])
    })
  })

  test('another root gives other names', () => {
    folder('root/jail/secret/deep', 'root/secret')
    using({ below: 'evt.type = openat and fd.name startswith /secret/' }, (guarded) => {
      const { judged } = guarded.raw([
        ...open(at('root/jail/secret/deep/f')),
        ['chdir', at('root/jail/secret')],
        ...open('deep/f', 'f'),
        ['chroot', at('root/jail')],
        ...open('deep/f', 'f', '/secret/deep/f'),
      ])
      assert.deepEqual(verdicts(judged), ['-', '-', '-', 'below', 'below', 'below'])
    })
  })

  test('pivot_root', () => {
    folder('pivot/root/secret/deep', 'pivot/root/old')
    const root = at('pivot/root')
    using({ below: 'evt.type = openat and fd.name startswith /secret/' }, (guarded) => {
      const { judged, results } = guarded.raw([
        ...PRIVATE,
        ['mount', root, root, 0, MS_BIND, 0],
        ['chdir', join(root, 'secret')],
        ...open('f', 'deep/f'),
        ['pivot_root', root, join(root, 'old')],
        ...open('f', 'deep/f', '/secret/f', `/old${root}/secret/f`),
      ])
      assert.equal(results[6], 0, 'the root was changed')
      // The directory below the old root is the one underneath the mount.
      assert.deepEqual(verdicts(judged).slice(0, 5), ['-', '-', 'below', 'below', 'below'])
    })
  })

  test('a link to a watched file: either spelling counts', () => {
    folder('link/watched', 'link/other')
    symlinkSync(at('link/watched/f'), at('link/other/to'))
    symlinkSync(at('link/other'), at('link/watched/away'))
    using(below('link/watched'), (guarded) => {
      const { judged } = guarded.raw(open(at('link/other/to'), at('link/watched/away/f'), at('link/other/f')))
      assert.deepEqual(verdicts(judged), ['below', 'below', '-'])
    })
  })

  /** Writes to what call `fd` opened. */
  const write = (fd: number, times = 2): Call[] =>
    Array.from({ length: times }, () => ['write', ref(fd), 'x', 1])
  const O_WRONLY = 1

  test('an open file is renamed, and its directory is', () => {
    folder('writes/watched/deep', 'writes/other/deep')
    const [watched, other] = [at('writes/watched'), at('writes/other')]
    const rules = {
      below: `evt.type = write and fd.name startswith ${watched}/`,
      name: 'evt.type = write and fd.filename = secret',
    }
    using(rules, (guarded) => {
      const { judged } = guarded.raw([
        ['openat', AT_FDCWD, join(other, 'deep/f'), O_WRONLY],
        ...write(0),
        ['rename', join(other, 'deep/f'), join(other, 'deep/secret')],
        ...write(0),
        ['rename', join(other, 'deep/secret'), join(watched, 'deep/g')],
        ...write(0),
        ['rename', watched, at('writes/away')],
        ...write(0),
        ['rename', other, watched],
        ['openat', AT_FDCWD, join(watched, 'deep/h'), 0o101, 0o600],
        ...write(13),
      ])
      assert.deepEqual(verdicts(judged, 'write'), [
        ...['-', '-', 'name', 'name', 'below', 'below', '-', '-'],
        ...['below', 'below'],
      ])
    })
  })

  test('a link, a truncated file, and inodes and directories that are used again', () => {
    folder('again/watched', 'again/other')
    const [watched, other] = [at('again/watched'), at('again/other')]
    using({ below: `evt.type = write and fd.name startswith ${watched}/` }, (guarded) => {
      const { judged } = guarded.raw([
        ['link', join(watched, 'f'), join(other, 'l')],
        ['openat', AT_FDCWD, join(other, 'l'), O_WRONLY],
        ...write(1),
        ['openat', AT_FDCWD, join(watched, 'f'), O_WRONLY],
        ...write(4),
        ['ftruncate', ref(4), 0],
        ...write(4, 1),
        ...write(1, 1),
      ])
      // Each name is what the file was opened by.
      assert.deepEqual(verdicts(judged, 'write'), ['-', '-', 'below', 'below', 'below', '-'])
      // Entries of directories and inodes that were given back come again a moment later, under another name.
      const around = (top: string, first: number): Call[] => [
        ['mkdir', join(top, 'd'), 0o700],
        ['openat', AT_FDCWD, join(top, 'd/f'), 0o101, 0o600],
        ...write(first + 1),
        ['close', ref(first + 1)],
        ['unlink', join(top, 'd/f')],
        ['rmdir', join(top, 'd')],
      ]
      const turns = Array.from({ length: 12 }, (_, i) => around(i % 2 === 0 ? other : watched, i * 7)).flat()
      const expected = Array.from({ length: 12 }, (_, i) =>
        i % 2 === 0 ? ['-', '-'] : ['below', 'below'],
      ).flat()
      assert.deepEqual(verdicts(guarded.raw(turns).judged, 'write'), expected)
    })
  })

  test('an open file below what is mounted over, unmounted, and seen from another root', () => {
    folder('over/watched/deep', 'over/from/deep', 'over/jail/secret')
    const [watched, from] = [at('over/watched'), at('over/from')]
    const rules = {
      below: `evt.type = write and fd.name startswith ${watched}/`,
      secret: 'evt.type = write and fd.name startswith /secret/',
    }
    using(rules, (guarded) => {
      const { judged } = guarded.raw([
        ...PRIVATE,
        ['openat', AT_FDCWD, join(from, 'deep/f'), O_WRONLY],
        ...write(2),
        ['mount', from, watched, 0, MS_BIND, 0],
        ['openat', AT_FDCWD, join(watched, 'deep/f'), O_WRONLY],
        ...write(6),
        ...write(2),
        ['openat', AT_FDCWD, at('over/jail/secret/f'), O_WRONLY],
        ...write(11),
        ['chroot', at('over/jail')],
        ...write(11),
      ])
      assert.deepEqual(verdicts(judged, 'write'), [
        ...['-', '-', 'below', 'below', '-', '-', '-', '-', 'secret', 'secret'],
      ])
    })
  })

  test('a process changes its user and its name between two calls of the same kind', () => {
    folder('self')
    chmodSync(dir, 0o755)
    const file = at('self/f')
    chmodSync(file, 0o644)
    const rules = {
      root: `evt.type = openat and fd.name = ${file} and user.uid = 0`,
      nobody: `evt.type = openat and fd.name = ${file} and user.uid = 65534`,
      named: `evt.type = openat and fd.name = ${file} and proc.name = grd-named`,
      name: `evt.type = openat and fd.name = ${file} and user.name = root`,
    }
    using(rules, (guarded) => {
      const { judged } = guarded.raw([
        ...open(file, file),
        ['setresuid', -1, 65534, -1],
        ...open(file, file),
        ['setresuid', -1, 0, -1],
        ...open(file),
        ['setresuid', -1, 65534, -1],
        ['prctl', 15, 'grd-named'],
        ...open(file),
      ])
      assert.deepEqual(verdicts(judged), [
        ...['root,name', 'root,name', 'nobody', 'nobody', 'root,name', 'nobody,named'],
      ])
    })
  })

  test('a parent takes another name while its child lives', () => {
    folder('parent')
    const file = at('parent/f')
    copyFileSync('/bin/sleep', at('parent/grd-later'))
    chmodSync(at('parent/grd-later'), 0o755)
    const rules = {
      parent: `evt.type = openat and fd.name = ${file} and proc.pname = grd-later`,
      any: `evt.type = openat and fd.name = ${file} and proc.aname = grd-later`,
    }
    using(rules, (guarded) => {
      // The child reads after its parent became another program, and so does a child of its own.
      const child = `(: < ${file}; sleep 0.4; : < ${file}; sh -c 'cat ${file}; true'; true)`
      const judged = guarded.run('/bin/sh', ['-c', `${child} & exec ${at('parent/grd-later')} 1.2`])
      const own = judged.filter(({ about }) => about.includes(file))
      // The first look may come before or after the parent's new name.
      assert.deepEqual(verdicts(own).slice(1), ['parent,any', 'any'])
    })
  })

  test('names of processes: their own, those of ancestors, across renames', () => {
    folder('names')
    const file = at('names/f')
    const rules = {
      own: `evt.type = openat and fd.name = ${file} and proc.name = grd-own`,
      not: `evt.type = openat and fd.name = ${file} and not proc.name in (raw, cat, grd-own)`,
      parent: `evt.type = openat and fd.name = ${file} and proc.pname = grd-parent`,
      any: `evt.type = openat and fd.name = ${file} and proc.aname = grd-parent`,
    }
    using(rules, (guarded) => {
      const renamed = guarded.raw([
        ...open(file),
        ['prctl', 15, 'grd-own'],
        ...open(file),
        ['prctl', 15, 'grd-else'],
        ...open(file),
      ])
      assert.deepEqual(verdicts(renamed.judged), ['-', 'own', 'not'])
      const of = (judged: readonly Judged[]): string[] =>
        verdicts(judged.filter(({ about }) => about.includes(file)))
      const sh = '/bin/sh'
      copyFileSync(sh, at('names/grd-parent'))
      chmodSync(at('names/grd-parent'), 0o755)
      assert.deepEqual(of(guarded.run(at('names/grd-parent'), ['-c', `cat ${file}; true`])), ['parent,any'])
      assert.deepEqual(of(guarded.run(at('names/grd-parent'), ['-c', `sh -c 'cat ${file}; true'; true`])), [
        'any',
      ])
      assert.deepEqual(of(guarded.run(sh, ['-c', `cat ${file}; true`])), ['-'])
    })
  })

  test('names that nobody asks for leave what is known of ancestors as it is, however many there are', () => {
    folder('deep')
    const file = at('deep/f')
    const rules = { any: `evt.type = openat and fd.name = ${file} and proc.aname = grd-nobody` }
    using(rules, (guarded) => {
      // Others have taken names after they had made processes: who descends from many would have to look up too far.
      guarded.run('/bin/sh', ['-c', 'true & wait; exec true'])
      const shells = Array.from({ length: 20 }, () => ['sh', '-c', '"$0" "$@"; true']).flat()
      const judged = guarded.run(shells[0]!, [...shells.slice(1), 'cat', file])
      assert.deepEqual(verdicts(judged.filter(({ about }) => about.includes(file))), ['-'])
    })
  })

  test('image and terminal, user and cgroup', () => {
    folder('image/bin')
    const file = at('image/f')
    const copy = at('image/bin/copy-of-cat')
    copyFileSync('/bin/cat', copy)
    chmodSync(copy, 0o755)
    chmodSync(dir, 0o755)
    const on = (rest: string): string => `evt.type = openat and fd.name = ${file} and ${rest}`
    writeFileSync(file, '')
    const rules = {
      image: on(`proc.exepath = ${copy}`),
      folder: on(`proc.exepath startswith ${at('image')}/`),
      elsewhere: on(`not proc.exepath startswith /usr/ and not proc.exepath startswith /bin/`),
      nobody: on('user.uid = 65534'),
      tty: on('proc.tty != 0'),
      login: on('user.loginuid = 4294'),
      session: on('user.loginname = root and user.loginuid = 4294'),
    }
    using(rules, (guarded) => {
      const of = (judged: readonly Judged[]): string[] =>
        verdicts(judged.filter(({ about }) => about.includes(file)))
      assert.deepEqual(of(guarded.run(copy, [file])), ['image,folder,elsewhere'])
      assert.deepEqual(of(guarded.run('/bin/cat', [file])), ['-'])
      assert.deepEqual(of(guarded.run('/bin/cat', [file], { uid: 65534, gid: 65534 })), ['nobody'])
      // A shell that execs: its child has the new image, not that of the shell.
      assert.deepEqual(of(guarded.run(copy, [file])), ['image,folder,elsewhere'])
      const typescript = guarded.run('script', ['-qec', `cat ${file}`, '/dev/null'])
      assert.deepEqual(of(typescript), ['tty'])
    })
  })

  test('a guard that is wrong is found out by the audit', () => {
    folder('wrong')
    const rules = { r: `evt.type = openat and fd.name = ${at('wrong/f')}` }
    const change: GuardedOptions['change'] = (plan) => {
      const { lookups } = plan.tables
      const bases = { ...lookups.bases, table: new Map<string, bigint>() }
      return { ...plan, tables: { ...plan.tables, lookups: { ...lookups, bases } } }
    }
    using(
      rules,
      (guarded) => {
        const { judged } = guarded.raw(open(...Array.from({ length: 40 }, () => at('wrong/f'))))
        assert.ok(judged.length >= 8 && judged.length <= 12, `one in four is sent: ${judged.length} of 40`)
        assert.ok(judged.every(({ passedOver, matched }) => passedOver && matched[0] === 'r'))
      },
      { change, auditEvery: 4 },
    )
  })

  test('a hundred times other rules, under load: no marker is missed', async () => {
    folder('reload/markers', 'reload/load')
    const marker = (i: number): string => at('reload/markers', `m${i}`)
    const rules = (i: number): Record<string, string> => ({
      marker: `evt.type = openat and fd.name startswith ${at('reload/markers')}/m`,
      [`other${i}`]: `evt.type = openat and fd.name in (/nowhere/${i}, /etc/passwd${i % 7})`,
    })
    const script = `i=0; while [ $i -lt 400 ]; do : < ${at('reload/markers')}/m$i; i=$((i+1)); sleep 0.01; done`
    for (let i = 0; i < 400; i++) writeFileSync(marker(i), '')
    const load = `while [ -e ${at('reload/load/f')} ]; do : < ${at('reload/load/f')}; done`
    await using(
      rules(0),
      async (guarded) => {
        const loaders = [spawn('/bin/sh', ['-c', load]), spawn('/bin/sh', ['-c', load])]
        const child = spawn('/bin/sh', ['-c', script])
        guarded.adopt(child.pid!)
        const ended = once(child, 'exit')
        const judged: Judged[] = []
        let reloads = 0
        try {
          while (child.exitCode === null && child.signalCode === null) {
            if (reloads < 100) guarded.reload(ruleFile(rules(++reloads)))
            judged.push(...guarded.take())
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
          await ended
        } finally {
          for (const loader of loaders) loader.kill('SIGKILL')
          child.kill('SIGKILL')
        }
        for (let i = reloads; i < 100; i++) guarded.reload(ruleFile(rules(i + 1)))
        judged.push(...guarded.take())
        const seen = new Set(
          judged
            .filter(({ pid, matched }) => pid === child.pid && matched.includes('marker'))
            .map(({ about }) => about),
        )
        assert.deepEqual(
          judged.filter(({ passedOver, matched }) => passedOver && matched.length > 0),
          [],
        )
        const kinds = Map.groupBy(
          judged,
          ({ pid, event, matched }) => `${pid === child.pid} ${event} ${matched}`,
        )
        const counts = [...kinds].map(([kind, { length }]) => `${kind}: ${length}`).join(', ')
        const opens = byProgram(guarded.source.ledger()).get('exit_openat')
        assert.equal(
          seen.size,
          400,
          `${reloads} reloads; ${counts}; ${JSON.stringify(opens)}; lost ${guarded.lost()}`,
        )
        assert.ok(new Set(judged.map(({ generation }) => generation)).size > 20, 'events of many generations')
      },
      { auditEvery: 1000 },
    )
  })
})
