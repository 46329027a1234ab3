import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PATH_FLAGS } from '../../schema/enums/index.ts'
import { openat } from '../testing/events.ts'
import { createWorld } from '../testing/world.ts'
import { cleanPath, joinPath } from './paths.ts'

describe('cleaning', () => {
  const cases: readonly [string, string][] = [
    ['/etc/shadow', '/etc/shadow'],
    ['/etc/../etc/../etc/shadow', '/etc/shadow'],
    ['//etc///shadow', '/etc/shadow'],
    ['/etc/./shadow/.', '/etc/shadow'],
    ['/etc/', '/etc'],
    ['/..', '/'],
    ['/../../x', '/x'],
    ['/', '/'],
    ['/a/...', '/a/...'],
    ['/a/..b/.c', '/a/..b/.c'],
  ]
  for (const [path, clean] of cases) test(`${path} is ${clean}`, () => assert.equal(cleanPath(path), clean))

  test('agrees with the path module on any absolute path', () => {
    const part = fc.constantFrom('', '.', '..', 'a', '..b', 'c.')
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const path = `/${parts.join('/')}`
        const expected = posix.normalize(path)
        assert.equal(cleanPath(path), expected === '/' ? '/' : expected.replace(/\/$/, ''))
      }),
    )
  })
})

test('a name is seen from its directory', () => {
  assert.equal(joinPath('/etc', 'shadow'), '/etc/shadow')
  assert.equal(joinPath('/', 'x'), '/x')
  assert.equal(joinPath('/a/b', '../c'), '/a/c')
  assert.equal(joinPath('/a', '/b//c'), '/b/c')
  assert.equal(joinPath('pipe:[1]', '..'), 'pipe:[1]/..')
  assert.equal(joinPath('pipe:[1]', ''), 'pipe:[1]')
  assert.equal(joinPath('/a', ''), '/a')
})

const IN_DIR = PATH_FLAGS.names['PATH_IN_DIR']!

describe('two spellings', () => {
  const world = createWorld()
  const names = (init: Parameters<typeof openat>[0]): readonly unknown[] => {
    world.feed(openat(init))
    return world.candidates('fd.name')
  }
  test('one when the kernel says they are the same', () =>
    assert.deepEqual(names({ path: '/etc/hosts' }), ['/etc/hosts']))
  test("accessed first, then the kernel's", () =>
    assert.deepEqual(names({ path: 'link', dir: '/tmp', resolved: '/etc/shadow' }), [
      '/tmp/link',
      '/etc/shadow',
    ]))
  test('an absolute name is cleaned', () =>
    assert.deepEqual(names({ path: '/bin/../bin//sh', resolved: '/usr/bin/dash' }), [
      '/bin/sh',
      '/usr/bin/dash',
    ]))
  test("a relative name without its directory is the kernel's path", () =>
    assert.deepEqual(names({ path: 'shadow', resolved: '/etc/shadow' }), ['/etc/shadow']))
  test('a relative name in the directory of the kernel path needs no directory', () =>
    assert.deepEqual(names({ path: './link', resolved: '/etc/target', fields: { path_flags: IN_DIR } }), [
      '/etc/link',
      '/etc/target',
    ]))
  test('a failed open has the accessed one only', () =>
    assert.deepEqual(names({ path: 'shadow', dir: '/etc', fd: -13 }), ['/etc/shadow']))
  test('a failed relative open without directory has none', () =>
    assert.deepEqual(names({ path: 'shadow', fd: -13 }), []))
})

describe('the file has another name than the one given', () => {
  const world = createWorld()
  const differs = (init: Parameters<typeof openat>[0]): unknown => {
    world.feed(openat(init))
    return world.plain('fd.name_differs')
  }
  const DELETED = PATH_FLAGS.names['PATH_DELETED']!
  const cases: readonly [boolean | undefined, Parameters<typeof openat>[0]][] = [
    [false, { path: '/etc/hosts' }],
    [false, { path: './hosts', dir: '/tmp', resolved: '/etc/hosts' }],
    [true, { path: '/etc/link', resolved: '/etc/hosts' }],
    [false, { path: 'gone', resolved: '/tmp/gone (deleted)', fields: { path_flags: DELETED } }],
    [true, { path: 'gone', resolved: '/tmp/gone (deleted)' }],
    [undefined, { path: '/etc/..', resolved: '/' }],
    [undefined, { path: '/etc/', resolved: '/usr/etc' }],
    [undefined, { path: '/proc/self/fd/3', resolved: 'pipe:[5]' }],
    [undefined, { path: '/etc/hosts', fd: -13 }],
  ]
  for (const [expected, init] of cases)
    test(`${init.path} is ${init.resolved ?? init.path}: ${expected}`, () =>
      assert.equal(differs(init), expected))
})
