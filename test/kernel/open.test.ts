/** Opens on the running kernel: one event for each call, with the true path. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { scratchFolder } from '../../src/testing/scratch.ts'
import { type Live, NEEDS_ROOT, openLive, pick, type Seen } from './support/live.ts'
import { AT_FDCWD, bytes, type Call, ref, vector, zeros } from './support/raw.ts'

const KERNEL = 1
const IN_DIR = 2
const CUT = 4
const DELETED = 8
const NOBODY = { uid: 65534, gid: 65534 }
const MS_BIND = 4096
const MS_PRIVATE_ALL = 0x44000
const CLONE_NEWNS = 0x20000

suite('open', { skip: NEEDS_ROOT }, () => {
  const dir = NEEDS_ROOT ? '' : scratchFolder('open')
  const secret = join(dir, 'secret')
  let live: Live

  before(() => {
    chmodSync(dir, 0o755)
    writeFileSync(secret, 'x')
    chmodSync(secret, 0o600)
    live = openLive({ events: ['open', 'creat', 'openat', 'openat2', 'write', 'writev'] })
  })
  after(() => live?.stop())

  /** Opens among the records of these calls, checked to be exactly `n`, with the descriptors the calls returned. */
  const opens = (calls: readonly Call[], options = {}): Seen[] => {
    const { records, results } = live.raw(calls, options)
    const seen = records.filter((r) => !r.event.startsWith('write'))
    const expected = calls.flatMap(([name], i) => (/^(open|creat)/.test(name) ? [[name, results[i]]] : []))
    assert.deepEqual(
      seen.map((r) => [r.event, r.f['fd']]),
      expected,
    )
    return seen
  }
  const lastOpen = (calls: readonly Call[], options = {}): Seen => opens(calls, options).at(-1)!

  const kernelDev = (file: string): number => {
    // glibc: minor in bits 0-7 and 20-31, major in 8-19; the kernel: major << 20 | minor
    const { dev } = statSync(file)
    return (((dev >>> 8) & 0xfff) << 20) | (dev & 0xff) | ((dev >>> 12) & 0xfff00)
  }

  test('by absolute path', () => {
    const seen = lastOpen([['openat', AT_FDCWD, secret, 0]])
    const file = statSync(secret)
    assert.deepEqual(seen.f, {
      fd: 3,
      dirfd: AT_FDCWD,
      flags: 0,
      mode: 0,
      resolve: 0,
      how_size: 0,
      ino: file.ino,
      dev: kernelDev(secret),
      i_mode: file.mode,
      f_mode: seen.f['f_mode'],
      path_flags: KERNEL,
      name: secret,
      path: secret,
    })
    assert.deepEqual([seen.partial, seen.uid, seen.cut], [false, 0, {}])
    assert.equal(Number(seen.f['f_mode']) & 3, 1, 'FMODE_READ and not FMODE_WRITE')
  })

  test('relative to the current directory', () => {
    const seen = lastOpen([
      ['chdir', dir],
      ['openat', AT_FDCWD, 'secret', 0],
    ])
    assert.deepEqual(pick([seen], 'name', 'path', 'dir', 'path_flags'), [
      { event: 'openat', name: 'secret', path: secret, path_flags: KERNEL | IN_DIR },
    ])
  })

  test('through a symbolic link', () => {
    const link = join(dir, 'link')
    symlinkSync(secret, link)
    const direct = lastOpen([['openat', AT_FDCWD, link, 0]])
    assert.deepEqual(pick([direct], 'name', 'path'), [{ event: 'openat', name: link, path: secret }])
    const folder = join(dir, 'elsewhere')
    mkdirSync(folder)
    symlinkSync(secret, join(folder, 'there'))
    const relative = lastOpen([
      ['chdir', folder],
      ['openat', AT_FDCWD, 'there', 0],
    ])
    assert.deepEqual(pick([relative], 'name', 'path', 'dir', 'path_flags'), [
      { event: 'openat', name: 'there', path: secret, dir: folder, path_flags: KERNEL },
    ])
  })

  test('through a directory descriptor', () => {
    const [folder, file] = opens([
      ['openat', AT_FDCWD, dir, 0o200000],
      ['openat', ref(0), 'secret', 0],
    ])
    assert.deepEqual(pick([folder!, file!], 'dirfd', 'name', 'path', 'path_flags'), [
      { event: 'openat', dirfd: AT_FDCWD, name: dir, path: dir, path_flags: KERNEL },
      { event: 'openat', dirfd: 3, name: 'secret', path: secret, path_flags: KERNEL | IN_DIR },
    ])
  })

  test('from a directory twenty levels down', () => {
    const deep = join(dir, ...Array.from({ length: 20 }, (_, i) => `level${i}`))
    mkdirSync(deep, { recursive: true })
    writeFileSync(join(deep, 'f'), '')
    const up = `${'../'.repeat(20)}secret`
    const [down, far] = opens([
      ['chdir', deep],
      ['openat', AT_FDCWD, 'f', 0],
      ['openat', AT_FDCWD, up, 0],
    ])
    assert.equal(down!.f['path'], join(deep, 'f'))
    assert.deepEqual(pick([far!], 'name', 'path', 'dir'), [
      { event: 'openat', name: up, path: secret, dir: deep },
    ])
  })

  test('a name of 255 bytes', () => {
    const long = 'n'.repeat(255)
    writeFileSync(join(dir, long), '')
    const seen = lastOpen([
      ['chdir', dir],
      ['openat', AT_FDCWD, long, 0],
    ])
    assert.deepEqual([seen.f['name'], seen.f['path'], seen.cut], [long, join(dir, long), {}])
  })

  test('refused: the plain path, and no kernel object', () => {
    const seen = lastOpen([['openat', AT_FDCWD, secret, 0]], NOBODY)
    assert.deepEqual(seen.f, {
      fd: -13,
      dirfd: AT_FDCWD,
      flags: 0,
      mode: 0,
      resolve: 0,
      how_size: 0,
      ino: 0,
      dev: 0,
      i_mode: 0,
      f_mode: 0,
      path_flags: 0,
      name: secret,
    })
    assert.equal(seen.uid, NOBODY.uid)
    const relative = lastOpen(
      [
        ['chdir', dir],
        ['openat', AT_FDCWD, 'secret', 0],
      ],
      NOBODY,
    )
    assert.deepEqual(pick([relative], 'fd', 'name', 'dir'), [
      { event: 'openat', fd: -13, name: 'secret', dir },
    ])
  })

  test('failed relative to a descriptor, and to one that is not open', () => {
    const [, missing, bad] = opens([
      ['openat', AT_FDCWD, dir, 0o200000],
      ['openat', ref(0), 'missing', 0],
      ['openat', 77, 'missing', 0],
    ])
    assert.deepEqual(pick([missing!, bad!], 'fd', 'dirfd', 'name', 'dir'), [
      { event: 'openat', fd: -2, dirfd: 3, name: 'missing', dir },
      { event: 'openat', fd: -9, dirfd: 77, name: 'missing' },
    ])
  })

  test('a name that cannot be read is a partial record', () => {
    const seen = lastOpen([['openat', AT_FDCWD, 8, 0]])
    assert.deepEqual([seen.f['fd'], seen.f['name'], seen.partial], [-14, undefined, true])
  })

  test('each of the four calls with its arguments', () => {
    const how = Buffer.alloc(24)
    how.writeBigUInt64LE(0o102n, 0)
    how.writeBigUInt64LE(0o600n, 8)
    how.writeBigUInt64LE(4n, 16)
    const file = join(dir, 'four')
    const seen = opens([
      ['umask', 0o22],
      ['creat', file, 0o644],
      ['open', file, 0o2002, 0],
      ['openat', AT_FDCWD, file, 0o2000001, 0],
      ['openat2', AT_FDCWD, file, bytes(how), 24],
    ])
    assert.deepEqual(pick(seen, 'flags', 'mode', 'resolve', 'how_size', 'path'), [
      { event: 'creat', flags: 0o1101, mode: 0o644, resolve: 0, how_size: 0, path: file },
      { event: 'open', flags: 0o2002, mode: 0, resolve: 0, how_size: 0, path: file },
      { event: 'openat', flags: 0o2000001, mode: 0, resolve: 0, how_size: 0, path: file },
      { event: 'openat2', flags: 0o102, mode: 0o600, resolve: 4, how_size: 24, path: file },
    ])
  })

  test('through a bind mount, named as the process sees it', () => {
    const from = join(dir, 'from')
    const to = join(dir, 'to')
    mkdirSync(join(from, 'in'), { recursive: true })
    mkdirSync(to)
    writeFileSync(join(from, 'in', 'f'), '')
    const seen = opens([
      ['unshare', CLONE_NEWNS],
      ['mount', 'none', '/', 0, MS_PRIVATE_ALL, 0],
      ['mount', from, to, 0, MS_BIND, 0],
      ['openat', AT_FDCWD, join(to, 'in', 'f'), 0],
      ['chdir', join(to, 'in')],
      ['openat', AT_FDCWD, 'f', 0],
      ['openat', AT_FDCWD, to, 0o200000],
    ])
    assert.deepEqual(
      seen.map((r) => r.f['path']),
      [join(to, 'in', 'f'), join(to, 'in', 'f'), to],
    )
  })

  test('below a changed root, named as the process sees it', () => {
    const jail = join(dir, 'jail')
    mkdirSync(join(jail, 'etc'), { recursive: true })
    writeFileSync(join(jail, 'etc', 'passwd'), '')
    const seen = opens([
      ['openat', AT_FDCWD, dir, 0o200000],
      ['chroot', jail],
      ['chdir', '/'],
      ['openat', AT_FDCWD, '/etc/passwd', 0],
      ['openat', AT_FDCWD, 'etc/passwd', 0],
      ['openat', ref(0), 'secret', 0],
      ['openat', AT_FDCWD, '/', 0],
    ])
    assert.deepEqual(pick(seen.slice(1), 'path', 'dir'), [
      { event: 'openat', path: '/etc/passwd' },
      { event: 'openat', path: '/etc/passwd', dir: '/' },
      // Outside the new root the walk goes on to the root of the namespace.
      { event: 'openat', path: secret },
      { event: 'openat', path: '/' },
    ])
  })

  test('below a deleted directory', () => {
    const gone = join(dir, 'gone')
    const seen = opens([
      ['mkdir', gone, 0o755],
      ['chdir', gone],
      ['creat', 'f', 0o600],
      ['unlink', 'f'],
      ['rmdir', gone],
      ['openat', AT_FDCWD, 'f', 0],
      ['openat', AT_FDCWD, '.', 0o200000],
      ['openat', AT_FDCWD, '/proc/self/fd/3', 0],
    ])
    assert.deepEqual(pick(seen.slice(1), 'fd', 'name', 'path', 'dir', 'path_flags'), [
      { event: 'openat', fd: -2, name: 'f', dir: `${gone} (deleted)`, path_flags: DELETED },
      {
        event: 'openat',
        fd: 4,
        name: '.',
        path: `${gone} (deleted)`,
        dir: `${gone} (deleted)`,
        path_flags: KERNEL | DELETED,
      },
      {
        event: 'openat',
        fd: 5,
        name: '/proc/self/fd/3',
        path: `${gone}/f (deleted)`,
        path_flags: KERNEL | IN_DIR | DELETED,
      },
    ])
  })

  /** Calls that go down into a chain of new directories with names of `size` bytes. */
  const descend = (base: string, size: number, levels: number): Call[] => {
    const name = 'd'.repeat(size)
    const calls: Call[] = [
      ['mkdir', base, 0o755],
      ['chdir', base],
    ]
    for (let i = 0; i < levels; i++) calls.push(['mkdir', name, 0o755], ['chdir', name])
    return calls
  }

  test('a path close to 4,096 bytes is whole', () => {
    const base = join(dir, 'a')
    // The name fills the path up to 4,095 bytes, the longest one the kernel takes.
    const levels = Math.floor((4095 - base.length - 2) / 201)
    const rest = 4095 - base.length - levels * 201 - 1
    const name = 'f'.repeat(Math.min(rest, 255))
    const seen = lastOpen([...descend(base, 200, levels), ['openat', AT_FDCWD, name, 0o101, 0o600]])
    const path = `${base}${`/${'d'.repeat(200)}`.repeat(levels)}/${name}`
    assert.equal(path.length, 4095)
    assert.deepEqual([seen.f['path'], seen.f['path_flags'], seen.cut], [path, KERNEL | IN_DIR, {}])
    const absolute = lastOpen([['openat', AT_FDCWD, path, 0]])
    assert.deepEqual([absolute.f['name'], absolute.f['path'], absolute.cut], [path, path, {}])
  })

  test('a longer path keeps its end and says that it is cut', () => {
    const base = join(dir, 'b')
    const seen = lastOpen([...descend(base, 250, 20), ['openat', AT_FDCWD, 'f', 0o101, 0o600]])
    const whole = `${base}${`/${'d'.repeat(250)}`.repeat(20)}/f`
    const path = String(seen.f['path'])
    assert.ok(path.length > 3800 && path.length <= 4096, String(path.length))
    assert.ok(whole.endsWith(path))
    assert.equal(seen.f['path_flags'], KERNEL | IN_DIR | CUT)
    assert.deepEqual(seen.cut, { path: path.length + 1 })
  })

  test('a name that is too long is cut and says so', () => {
    const seen = lastOpen([['openat', AT_FDCWD, `/${'x'.repeat(5000)}`, 0]])
    assert.deepEqual([seen.f['fd'], String(seen.f['name']).length, seen.cut], [-36, 4096, { name: 4097 }])
  })

  test('a name that is not UTF-8 keeps every byte', () => {
    const seen = lastOpen([
      ['chdir', dir],
      ['creat', 'a\\xff\\xc3\\x28\\x0a\\x1b', 0o600],
    ])
    const name = 'a\udcff\udcc3(\n\u001b'
    assert.deepEqual([seen.f['name'], seen.f['path']], [name, `${dir}/${name}`])
  })

  test('a file without a name', () => {
    const seen = lastOpen([['openat', AT_FDCWD, dir, 0o20200002, 0o600]])
    assert.equal(seen.f['path'], `${dir}/#${seen.f['ino']} (deleted)`)
    assert.equal(seen.f['path_flags'], KERNEL | DELETED)
  })

  test('paths below /proc/self', () => {
    const seen = opens([
      ['getpid'],
      ['openat', AT_FDCWD, '/proc/self/status', 0],
      ['openat', AT_FDCWD, '/proc/self/root/etc/passwd', 0],
      ['openat', AT_FDCWD, '/proc/thread-self/comm', 0],
    ])
    const { pid } = seen[0]!
    assert.deepEqual(
      seen.map((r) => r.f['path']),
      [`/proc/${pid}/status`, '/etc/passwd', `/proc/${pid}/task/${pid}/comm`],
    )
  })

  test('a file where a directory should be', () => {
    const seen = lastOpen([['openat', AT_FDCWD, `${secret}/below`, 0]])
    assert.deepEqual([seen.f['fd'], seen.f['path']], [-20, undefined])
  })

  test('objects without a path have the names the kernel gives them', () => {
    const { records, results } = live.raw([
      ['pipe2', zeros(8), 0],
      ['write', 4, 'x', 1],
      ['memfd_create', 'hidden name', 0],
      ['write', ref(2), 'x', 1],
      ['eventfd2', 0, 0],
      ['write', ref(4), '\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00', 8],
      ['socketpair', 1, 1, 0, zeros(8)],
      ['write', 7, 'x', 1],
      ['getpid'],
      ['pidfd_open', ref(8), 0],
      ['write', ref(9), 'x', 1],
      ['write', 99, 'x', 1],
      ['writev', 4, vector('a', 'bc'), 2],
    ])
    assert.deepEqual(results.slice(1, 6), [1, 5, 1, 6, 8])
    const named = records.map((r) => String(r.f['path']).replace(String(r.f['ino']), 'INO'))
    assert.deepEqual(named, [
      'pipe:[INO]',
      'memfd:hidden name',
      'anon_inode:[eventfd]',
      'socket:[INO]',
      'anon_inode:[pidfd]',
      'undefined',
      'pipe:[INO]',
    ])
    assert.deepEqual(
      records.map((r) => r.f['res']),
      [1, 1, 8, 1, -22, -9, 3],
    )
  })
})
