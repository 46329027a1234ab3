import assert from 'node:assert/strict'
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RecordInit } from '../decode/encode.ts'
import { type PathFields, pathOfFields } from '../fields/paths.ts'
import { event, openat } from '../testing/events.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { createWorld } from '../testing/world.ts'
import { type FilterOptions, isWithin, PathFilter, spellingsOf } from './filter.ts'

const OPENED = pathOfFields('name', 'dir', 'path')
const TWO: readonly PathFields[] = [
  pathOfFields('oldpath', 'olddir', undefined),
  pathOfFields('newpath', 'newdir', undefined),
]
const admits = (
  options: Partial<FilterOptions>,
  init: RecordInit,
  paths: readonly PathFields[] = [OPENED],
): boolean =>
  new PathFilter({
    watchPaths: [],
    watchPatterns: [],
    excludePaths: [],
    spellings: (path) => [path],
    ...options,
  }).admits(createWorld().feed(init), paths)

/** `+/path` passes, `-/path` does not. */
const filters = (name: string, options: Partial<FilterOptions>, ...expected: readonly string[]): void => {
  for (const line of expected)
    test(`${name}: ${line}`, () =>
      assert.equal(admits(options, openat({ path: line.slice(1) })), line.startsWith('+')))
}

filters('without lists everything passes', {}, '+/a', '+/proc/1/stat')
filters(
  'a watched path is itself and what is below',
  { watchPaths: ['/etc'] },
  '+/etc',
  '+/etc/x/y',
  '-/etcetera',
  '-/var/etc/x',
)
filters('1.1.12: /bin is not /binx', { watchPaths: ['/bin'] }, '+/bin/ls', '-/binx/ls', '-/binx')
filters('the root is everything', { watchPaths: ['/'] }, '+/a', '+/a/b')
filters(
  'an ending',
  { watchPatterns: ['*.service'] },
  '+/x/a.service',
  '-/x/a.service.d',
  '-/x/service',
  '+/x/a.service (deleted)',
)
filters(
  'a piece of the path',
  { watchPatterns: ['crontab'] },
  '+/etc/crontab',
  '+/var/spool/crontabs/root',
  '-/etc/cron.d/x',
)
filters('a glob over the name', { watchPatterns: ['id_*'] }, '+/home/x/.ssh/id_rsa', '-/id_x/file')
filters('a glob over the path', { watchPatterns: ['/home/*/.ssh/*'] }, '+/home/a/.ssh/key', '-/root/.ssh/key')
filters('dots in a glob are dots', { watchPatterns: ['a?.c*'] }, '+/ab.cc', '-/abxc')
filters('paths or patterns', { watchPaths: ['/etc'], watchPatterns: ['*.x'] }, '+/etc/a', '+/b.x', '-/b.y')
filters(
  'excluding wins',
  { watchPaths: ['/etc'], excludePaths: ['/etc/ssl'] },
  '+/etc/x',
  '-/etc/ssl/x',
  '-/etc/ssl',
  '+/etc/sslx',
)
filters('excluding alone', { excludePaths: ['/tmp'] }, '-/tmp/x', '+/tmpx', '+/a')

const bothSpellings = (watch: FilterOptions): boolean =>
  admits(watch, openat({ path: '/bin/sh', resolved: '/usr/bin/dash' }))
const options = (more: Partial<FilterOptions>): FilterOptions => ({
  watchPaths: [],
  watchPatterns: [],
  excludePaths: [],
  ...more,
})
test('either spelling is watched, and either is excluded', () => {
  assert.equal(bothSpellings(options({ watchPaths: ['/bin'] })), true)
  assert.equal(bothSpellings(options({ watchPaths: ['/usr/bin'] })), true)
  assert.equal(bothSpellings(options({ watchPaths: ['/usr/bin'], excludePaths: ['/bin'] })), false)
})
test('a rename passes when either of its names does', () => {
  const move = (oldpath: string, newpath: string): boolean =>
    admits(
      { watchPaths: ['/etc'], excludePaths: ['/etc/no'] },
      event('rename', {}, { res: 0, oldpath, newpath }),
      TWO,
    )
  assert.deepEqual(
    [move('/tmp/x', '/etc/x'), move('/etc/x', '/tmp/x'), move('/a', '/b'), move('/etc/no/x', '/tmp/y')],
    [true, true, false, false],
  )
})
test('what has no path passes only where everything does', () => {
  const init = event('write', {}, { res: 1, fd: 1 })
  const paths = [pathOfFields(undefined, undefined, 'path')]
  assert.deepEqual([admits({}, init, paths), admits({ watchPaths: ['/'] }, init, paths)], [true, false])
})
test('components', () => {
  assert.deepEqual(
    [isWithin('/a/b', '/a'), isWithin('/ab', '/a'), isWithin('/a', '/a'), isWithin('/x', '/')],
    [true, false, true, true],
  )
})

const folder = scratchFolder('filter')
mkdirSync(join(folder, 'usr/bin'), { recursive: true })
symlinkSync('usr/bin', join(folder, 'bin'))

test('a configured link stands for what it points to as well', () => {
  assert.deepEqual(spellingsOf(join(folder, 'bin')), [join(folder, 'bin'), join(folder, 'usr/bin')])
})
test('what is not there yet is resolved as far as it can be', () => {
  assert.deepEqual(spellingsOf(join(folder, 'bin/new/file')), [
    join(folder, 'bin/new/file'),
    join(folder, 'usr/bin/new/file'),
  ])
})
test('slashes and dots in a configured path mean nothing', () => {
  assert.equal(spellingsOf(`${folder}//usr/./bin/`)[0], join(folder, 'usr/bin'))
})
test('where /bin is a link to /usr/bin, naming either names both', {
  skip: realpathSync('/bin') === '/bin',
}, () => {
  for (const name of ['/bin', '/usr/bin', '/usr/bin/x'])
    assert.ok(
      spellingsOf(name).some((path) => path.startsWith('/bin')),
      name,
    )
  assert.ok(spellingsOf('/bin').includes('/usr/bin'))
  const filter = { watchPaths: ['/usr/bin'], spellings: spellingsOf }
  assert.equal(admits(filter, openat({ path: '/bin/new', fd: -2 })), true)
})
