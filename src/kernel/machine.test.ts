import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { possibleCpus, readOptional, V1_CONTROLLERS, v1ControllerBits } from './machine.ts'

suite('v1 controllers', () => {
  const header = '#subsys_name\thierarchy\tnum_cgroups\tenabled'
  const bits = (...lines: string[]): string[] => {
    const mask = v1ControllerBits([header, ...lines, ''].join('\n'))
    return V1_CONTROLLERS.filter((_, bit) => (mask >> bit) & 1)
  }
  const is = (label: string, lines: string[], expected: string[]): void =>
    void test(label, () => assert.deepEqual(bits(...lines), expected))

  is('none on a pure v2 host', ['memory\t0\t90\t1', 'pids\t0\t90\t1'], [])
  is('those with a hierarchy', ['cpuset\t3\t1\t1', 'memory\t4\t9\t1', 'pids\t0\t9\t1'], ['memory', 'cpuset'])
  is('not those that nobody looks at', ['blkio\t7\t1\t1', 'net_cls\t2\t1\t1'], [])
  is(
    'every one',
    V1_CONTROLLERS.map((name, i) => `${name}\t${i + 1}\t1\t1`),
    [...V1_CONTROLLERS],
  )
  is('nothing in an empty file', [], [])
})

test('there is at least one CPU', () => {
  assert.ok(Number.isInteger(possibleCpus()) && possibleCpus() >= 1)
})

test('a file that cannot be read is undefined', () => {
  assert.equal(readOptional('/no/such/file'), undefined)
  assert.ok(readOptional('/proc/self/comm')!.length > 0)
})
