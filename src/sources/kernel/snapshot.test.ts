import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { Interner } from '../../decode/interner.ts'
import { snapshotFromProc } from './snapshot.ts'

interface Fake {
  readonly comm?: string | Buffer
  readonly ppid?: number
  readonly start?: number
  readonly cmdline?: string
  readonly cgroup?: string
  readonly nspid?: string
  readonly exe?: string
  readonly cwd?: string
}

suite('snapshot from /proc', () => {
  const proc = mkdtempSync(join(tmpdir(), 'tarsier-proc-'))
  after(() => rmSync(proc, { recursive: true }))

  /** Files of a process as proc(5) describes them. */
  function add(pid: number, fake: Fake = {}): void {
    const dir = join(proc, String(pid))
    mkdirSync(dir)
    // From the state on: fields 3 to 22, of which parent, group, session, terminal and start matter.
    const rest = ['S', fake.ppid ?? 1, 70, 71, 34817, ...new Array(14).fill(0), fake.start ?? 0]
    const comm = Buffer.from(fake.comm ?? 'name')
    writeFileSync(
      join(dir, 'stat'),
      Buffer.concat([Buffer.from(`${pid} (`), comm, Buffer.from(`) ${rest.join(' ')} 0\n`)]),
    )
    writeFileSync(
      join(dir, 'status'),
      `Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t${fake.nspid ?? pid}\nCapInh:\t0000000000000000\n` +
        'CapPrm:\t000001ffffffffff\nCapEff:\t00000000a80425fb\n',
    )
    writeFileSync(join(dir, 'cgroup'), fake.cgroup ?? '0::/\n')
    writeFileSync(join(dir, 'cmdline'), fake.cmdline ?? '')
    writeFileSync(join(dir, 'loginuid'), '4294967295')
    if (fake.exe !== undefined) symlinkSync(fake.exe, join(dir, 'exe'))
    if (fake.cwd !== undefined) symlinkSync(fake.cwd, join(dir, 'cwd'))
  }
  type Shown = Record<string, unknown>
  const read = (): Map<number, Shown> => {
    const found = new Map<number, Shown>()
    snapshotFromProc(
      new Interner(64),
      (view) => {
        const text = (name: string): string | undefined => view.string(name)?.text
        const numbers = [
          'ppid',
          'parent_start',
          'uid',
          'gid',
          'loginuid',
          'tty',
          'vpid',
          'pgid',
          'sid',
          'vpgid',
        ]
        found.set(view.pid, {
          start: view.start,
          euid: view.uid,
          ...Object.fromEntries(numbers.map((name) => [name, view.number(name)])),
          cap_effective: view.bigint('cap_effective'),
          ...Object.fromEntries(
            ['comm', 'argv', 'exe_path', 'cwd', 'cgroup_path', 'cgroup_v1_path'].map((n) => [n, text(n)]),
          ),
        })
      },
      proc,
    )
    return found
  }

  test('what the files say', () => {
    add(10, { start: 7 })
    add(11, {
      comm: 'a b',
      ppid: 10,
      start: 1234,
      cmdline: 'a\0b c\0\0',
      nspid: '11\t3',
      exe: '/no/such/exe',
      cwd: '/some where',
      cgroup: '9:pids:/a\n4:memory:/a/b:c\n0::/v2\n',
    })
    const { 11: seen } = Object.fromEntries(read())
    assert.deepEqual(seen, {
      start: 12_340_000_000,
      euid: 2,
      ppid: 10,
      parent_start: 70_000_000,
      uid: 1,
      gid: 5,
      loginuid: -1,
      tty: 34817,
      vpid: 3,
      pgid: 70,
      sid: 71,
      vpgid: 70,
      cap_effective: 0xa80425fbn,
      comm: 'a b',
      argv: 'a\0b c\0\0',
      exe_path: '/no/such/exe',
      cwd: '/some where',
      cgroup_path: '/v2',
      cgroup_v1_path: '/a/b:c',
    })
  })

  const named = (label: string, pid: number, comm: string | Buffer, shown: string): void =>
    void test(`a name with ${label}`, () => {
      add(pid, { comm, start: 5 })
      const seen = read().get(pid)
      assert.deepEqual([seen?.['comm'], seen?.['start']], [shown, 50_000_000])
    })
  named('brackets and blanks', 21, ') S 1 (x', ') S 1 (x')
  named('a line end', 22, 'a\nb', 'a\nb')
  named('letters beyond ASCII', 23, 'tä', 'tä')
  named('bytes that are not UTF-8', 24, Buffer.from([0x61, 0xff]), 'a\udcff')

  test('a kernel thread has no executable and no arguments', () => {
    add(30)
    const seen = read().get(30)
    assert.deepEqual(
      [seen?.['exe_path'], seen?.['cwd'], seen?.['argv'], seen?.['parent_start']],
      [undefined, undefined, '', 0],
    )
  })

  test('a file in memory is named as the kernel side names it', () => {
    add(31, { exe: '/memfd:some name (deleted)' })
    assert.equal(read().get(31)?.['exe_path'], 'memfd:some name')
  })

  test('a process that ends while it is read is left out', () => {
    mkdirSync(join(proc, '40'))
    mkdirSync(join(proc, 'self'))
    const seen = read()
    assert.equal(seen.has(40), false)
    assert.ok(seen.size > 0)
  })
})
