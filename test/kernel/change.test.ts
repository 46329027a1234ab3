/** Calls that change files and names: exact fields, relative names with their directory, failures as failures. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { EVENT_TYPES } from '../../schema/index.ts'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, openLive, type Seen } from './support/live.ts'
import { AT_FDCWD, type Call, ref, vector } from './support/raw.ts'

const NOBODY = { uid: 65534, gid: 65534 }
const KERNEL = 1
const FAMILIES = ['write', 'truncate', 'rename', 'unlink', 'link', 'symlink', 'chmod']
const EVENTS = EVENT_TYPES.filter((type) => FAMILIES.includes(type.family.name)).map((type) => type.name)

suite('changes', { skip: NEEDS_ROOT }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('change')
  let live: Live
  let serial = 0

  before(() => {
    chmodSync(dir, 0o755)
    live = openLive({ events: EVENTS })
  })
  after(() => live?.stop())

  /** A new file with this content. */
  const file = (content = ''): string => {
    const path = join(dir, `file${serial++}`)
    writeFileSync(path, content)
    return path
  }
  /** Every event of these calls, checked to be one for each call that is of interest here, with its result. */
  const changes = (calls: readonly Call[], options = {}): Seen[] => {
    const { records, results } = live.raw(calls, options)
    const expected = calls.flatMap(([name], i) => (EVENTS.includes(name) ? [[name, results[i]]] : []))
    assert.deepEqual(
      records.map((r) => [r.event, r.f['res']]),
      expected,
    )
    for (const record of records) assert.deepEqual([record.partial, record.cut], [false, {}])
    return records
  }
  /** Fields of the records without those that are the same in all. */
  const fields = (records: readonly Seen[], ...without: string[]): Record<string, unknown>[] =>
    records.map((r) => Object.fromEntries(Object.entries(r.f).filter(([name]) => !without.includes(name))))

  suite('of data', () => {
    test('write, writev, pwrite64, ftruncate', () => {
      const path = file()
      const seen = changes([
        ['openat', AT_FDCWD, path, 2],
        ['write', ref(0), 'hello', 5],
        ['writev', ref(0), vector('a', 'bc', 'def'), 3],
        ['pwrite64', ref(0), 'XY', 2, 1],
        ['ftruncate', ref(0), 9],
      ])
      assert.equal(readFileSync(path, 'utf8'), 'hXYloabcd')
      const { ino, mode } = statSync(path)
      assert.deepEqual(
        fields(seen, 'dev', 'buf'),
        [
          { res: 5, size: 5, pos: -1 },
          { res: 6, size: 3, pos: -1 },
          { res: 2, size: 2, pos: 1 },
          { res: 0, size: 9, pos: -1 },
        ].map((own) => ({
          ...own,
          ...{ ino, fd: 3, fd_in: -1, i_mode: mode, path_flags: KERNEL, path, off_out: 0, copy_flags: 0 },
        })),
      )
      // Where the bytes or the vector lie; a length has no buffer.
      assert.deepEqual(
        seen.map(({ f }) => f['buf'] !== 0),
        [true, true, true, false],
      )
    })

    test('copy_file_range tells both files', () => {
      const from = file('content')
      const to = file()
      const [seen] = changes([
        ['openat', AT_FDCWD, from, 0],
        ['openat', AT_FDCWD, to, 1],
        ['copy_file_range', ref(0), 0, ref(1), 0, 7, 0],
      ])
      assert.deepEqual(fields([seen!], 'dev', 'i_mode'), [
        {
          res: 7,
          size: 7,
          pos: -1,
          fd: 4,
          fd_in: 3,
          ino: statSync(to).ino,
          path: to,
          path_in: from,
          path_flags: KERNEL,
          buf: 0,
          off_out: 0,
          copy_flags: 0,
        },
      ])
    })

    test('through a descriptor that was opened for reading only, and one that is not open', () => {
      const path = file()
      const seen = changes([
        ['openat', AT_FDCWD, path, 0],
        ['write', ref(0), 'x', 1],
        ['ftruncate', ref(0), 0],
        ['write', 55, 'x', 1],
        ['pwrite64', ref(0), 'x', 1, -1],
      ])
      assert.deepEqual(
        seen.map((r) => [r.event, r.f['res'], r.f['path']]),
        [
          ['write', -9, path],
          ['ftruncate', -22, path],
          ['write', -9, undefined],
          ['pwrite64', -22, path],
        ],
      )
    })

    test('truncate by name', () => {
      const path = file('content')
      const [absolute, relative, missing] = changes([
        ['truncate', path, 3],
        ['chdir', dir],
        ['truncate', path.slice(dir.length + 1), 0x1_0000_0001],
        ['truncate', 'missing', 0],
      ])
      assert.deepEqual(fields([absolute!, relative!, missing!]), [
        { res: 0, length: 3, path_flags: 0, name: path },
        { res: 0, length: 0x1_0000_0001, path_flags: 0, name: path.slice(dir.length + 1), dir },
        { res: -2, length: 0, path_flags: 0, name: 'missing', dir },
      ])
    })
  })

  suite('of names', () => {
    test('rename, renameat, renameat2', () => {
      const a = file()
      const b = file()
      const name = b.slice(dir.length + 1)
      const seen = changes([
        ['openat', AT_FDCWD, dir, 0o200000],
        ['rename', a, `${a}.new`],
        ['renameat', ref(0), name, AT_FDCWD, `${b}.new`],
        ['chdir', '/'],
        ['renameat2', ref(0), `${name}.new`, ref(0), 'exchanged', 0],
        ['renameat2', ref(0), 'exchanged', AT_FDCWD, `${a}.new`, 1],
        ['rename', 'no such', `${a}.other`],
      ])
      assert.deepEqual(fields(seen, 'path_flags'), [
        { res: 0, olddirfd: AT_FDCWD, newdirfd: AT_FDCWD, flags: 0, oldpath: a, newpath: `${a}.new` },
        {
          res: 0,
          olddirfd: 3,
          newdirfd: AT_FDCWD,
          flags: 0,
          oldpath: name,
          olddir: dir,
          newpath: `${b}.new`,
        },
        {
          res: 0,
          olddirfd: 3,
          newdirfd: 3,
          flags: 0,
          oldpath: `${name}.new`,
          olddir: dir,
          newpath: 'exchanged',
          newdir: dir,
        },
        {
          res: -17,
          olddirfd: 3,
          newdirfd: AT_FDCWD,
          flags: 1,
          oldpath: 'exchanged',
          olddir: dir,
          newpath: `${a}.new`,
        },
        {
          res: -2,
          olddirfd: AT_FDCWD,
          newdirfd: AT_FDCWD,
          flags: 0,
          oldpath: 'no such',
          olddir: '/',
          newpath: `${a}.other`,
        },
      ])
    })

    test('unlink, unlinkat, rmdir', () => {
      const a = file()
      const b = file()
      const folder = join(dir, 'folder')
      mkdirSync(join(folder, 'inner'), { recursive: true })
      const seen = changes([
        ['openat', AT_FDCWD, dir, 0o200000],
        ['unlink', a],
        ['unlink', a],
        ['unlinkat', ref(0), b.slice(dir.length + 1), 0],
        ['unlinkat', ref(0), 'folder/inner', 0x200],
        ['chdir', dir],
        ['rmdir', 'folder'],
        ['rmdir', dir],
      ])
      assert.deepEqual(fields(seen, 'path_flags'), [
        { res: 0, dirfd: AT_FDCWD, flags: 0, name: a },
        { res: -2, dirfd: AT_FDCWD, flags: 0, name: a },
        { res: 0, dirfd: 3, flags: 0, name: b.slice(dir.length + 1), dir },
        { res: 0, dirfd: 3, flags: 0x200, name: 'folder/inner', dir },
        { res: 0, dirfd: AT_FDCWD, flags: 0, name: 'folder', dir },
        { res: -39, dirfd: AT_FDCWD, flags: 0, name: dir },
      ])
    })

    test('link, linkat, symlink, symlinkat', () => {
      const a = file()
      const seen = changes([
        ['openat', AT_FDCWD, dir, 0o200000],
        ['link', a, `${a}.hard`],
        ['linkat', AT_FDCWD, a, ref(0), 'hard', 0x400],
        ['symlink', '../any where', `${a}.soft`],
        ['symlinkat', '/target', ref(0), 'soft'],
        ['symlinkat', '', ref(0), 'empty'],
        ['link', a, `${a}.hard`],
      ])
      assert.deepEqual(fields(seen, 'path_flags'), [
        { res: 0, olddirfd: AT_FDCWD, newdirfd: AT_FDCWD, flags: 0, oldpath: a, newpath: `${a}.hard` },
        {
          res: 0,
          olddirfd: AT_FDCWD,
          newdirfd: 3,
          flags: 0x400,
          oldpath: a,
          newpath: 'hard',
          newdir: dir,
        },
        { res: 0, linkdirfd: AT_FDCWD, target: '../any where', linkpath: `${a}.soft` },
        { res: 0, linkdirfd: 3, target: '/target', linkpath: 'soft', dir },
        { res: -2, linkdirfd: 3, target: '', linkpath: 'empty', dir },
        { res: -17, olddirfd: AT_FDCWD, newdirfd: AT_FDCWD, flags: 0, oldpath: a, newpath: `${a}.hard` },
      ])
    })

    test('two long names in deep directories fit one record', () => {
      const name = 'n'.repeat(200)
      const down = Array.from({ length: 19 }, (): Call[] => [
        ['mkdir', name, 0o755],
        ['chdir', name],
      ]).flat()
      const long = `${'./'.repeat(1400)}f`
      const [seen] = changes([['chdir', dir], ...down, ['rename', long, `${long}2`]])
      const cwd = dir + `/${name}`.repeat(19)
      assert.deepEqual(fields([seen!], 'path_flags', 'olddirfd', 'newdirfd', 'flags'), [
        { res: -2, oldpath: long, olddir: cwd, newpath: `${long}2`, newdir: cwd },
      ])
    })
  })

  test('a directory that is cut does not mark the next one', () => {
    const name = 'n'.repeat(250)
    const down = Array.from({ length: 18 }, (): Call[] => [
      ['mkdir', name, 0o755],
      ['chdir', name],
    ]).flat()
    const { records } = live.raw([
      ['openat', AT_FDCWD, dir, 0o200000],
      ['chdir', dir],
      ...down,
      ['renameat', AT_FDCWD, 'a', ref(0), 'b'],
    ])
    const [seen] = records
    assert.deepEqual(Object.keys(seen!.cut), ['olddir'])
    assert.equal(seen!.f['newdir'], dir)
  })

  suite('of permissions', () => {
    test('chmod, fchmod, fchmodat, fchmodat2', () => {
      const a = file()
      const name = a.slice(dir.length + 1)
      const seen = changes([
        ['openat', AT_FDCWD, dir, 0o200000],
        ['openat', AT_FDCWD, a, 0],
        ['chmod', a, 0o4755],
        ['fchmod', ref(1), 0o600],
        ['fchmodat', ref(0), name, 0o640],
        ['fchmodat2', ref(0), name, 0o644, 0x100],
        ['fchmod', 44, 0o600],
      ])
      assert.equal(statSync(a).mode & 0o7777, 0o644)
      assert.deepEqual(fields(seen), [
        { res: 0, dirfd: AT_FDCWD, fd: -1, mode: 0o4755, flags: 0, path_flags: 0, filename: a },
        { res: 0, dirfd: AT_FDCWD, fd: 4, mode: 0o600, flags: 0, path_flags: KERNEL, path: a },
        { res: 0, dirfd: 3, fd: -1, mode: 0o640, flags: 0, path_flags: 0, filename: name, dir },
        { res: 0, dirfd: 3, fd: -1, mode: 0o644, flags: 0x100, path_flags: 0, filename: name, dir },
        { res: -9, dirfd: AT_FDCWD, fd: 44, mode: 0o600, flags: 0, path_flags: 0 },
      ])
    })

    test('every call by a user who may not is reported as failed', () => {
      const a = file('x')
      const seen = changes(
        [
          ['chmod', a, 0o666],
          ['fchmodat2', AT_FDCWD, a, 0o666, 0],
          ['truncate', a, 0],
          ['unlink', a],
          ['unlinkat', AT_FDCWD, a, 0],
          ['rename', a, `${a}.new`],
          ['renameat2', AT_FDCWD, a, AT_FDCWD, `${a}.new`, 0],
          ['symlink', a, `${a}.soft`],
          ['link', a, `${a}.hard`],
          ['rmdir', dir],
        ],
        NOBODY,
      )
      for (const { event, uid, f } of seen) {
        assert.ok([-1, -13].includes(Number(f['res'])), `${event} ${f['res']}`)
        assert.equal(uid, NOBODY.uid)
      }
    })
  })
})
