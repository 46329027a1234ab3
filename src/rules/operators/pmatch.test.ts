import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_COMPONENTS, pathPrefixTest } from './pmatch.ts'

const covers = (paths: string, ...values: string[]): void =>
  void test(`(${paths}) covers`, () => {
    for (const value of values) assert.ok(pathPrefixTest(paths.split(' '))(value), value)
  })
const leaves = (paths: string, ...values: string[]): void =>
  void test(`(${paths}) leaves`, () => {
    for (const value of values) assert.ok(!pathPrefixTest(paths.split(' '))(value), value)
  })

covers('/opt/dir', '/opt/dir', '/opt/dir/', '/opt/dir/x', '/opt//dir/x/y')
leaves('/opt/dir', '/opt/dir2', '/opt', '/', '', 'opt/dir', '/opt/di', '/x/opt/dir')
covers('/opt/dir/', '/opt/dir', '/opt/dir/x')
covers('/etc /usr/lib /usr/bin /var', '/etc/x', '/usr/bin/sh', '/usr/lib', '/var/log')
leaves('/etc /usr/lib /usr/bin /var', '/usr', '/usr/libx', '/tmp')
covers('/', '/', '/x')
leaves('/', 'x', '')
covers('etc', 'etc/x')
leaves('etc', '/etc/x')
leaves('', '', 'x', '/')
covers('/home/*/.ssh', '/home/a/.ssh', '/home/b/.ssh/id')
leaves('/home/*/.ssh', '/home/.ssh', '/home/a/b/.ssh', '/home/a/.sshx')
covers('/home/*/x /home/a*/y /home/ab/z', '/home/ab/x', '/home/ab/y', '/home/ab/z')
leaves('/home/*/x /home/a*/y /home/ab/z', '/home/b/y', '/home/b/z')
covers('/a/[bc]?', '/a/bx', '/a/cy/z')
covers('/a /a/b', '/a/c')

test('no paths, no match', () => assert.ok(!pathPrefixTest([])('/x')))

test('agrees with the definition', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'c'), { maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`)
  const below = (value: string, prefix: string) =>
    prefix === '/' || value === prefix || value.startsWith(`${prefix}/`)
  fc.assert(
    fc.property(fc.array(path, { maxLength: 5 }), path, (paths, value) =>
      assert.equal(
        pathPrefixTest(paths)(value),
        paths.some((prefix) => below(value, prefix)),
      ),
    ),
    { numRuns: 2000 },
  )
})

// Backtracking would not end within any patience.
test('large and hostile input takes bounded time', { timeout: 120_000 }, () => {
  const many = pathPrefixTest(Array.from({ length: 50_000 }, (_, i) => `/d${i % 100}/e${i}`))
  assert.ok(many('/d99/e49999/x'))
  assert.ok(!many('/d99/e50000'))
  assert.ok(!many('/'.repeat(1_000_000)))
  const stars = pathPrefixTest([`${'/*'.repeat(MAX_COMPONENTS - 1)}/z`])
  assert.ok(!stars('/a'.repeat(10_000)))
  assert.throws(() => pathPrefixTest(['/a'.repeat(MAX_COMPONENTS + 1)]), RangeError)
})
