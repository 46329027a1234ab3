import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OPEN_SHAPE, OUTCOMES } from '../../schema/guard.ts'
import { streamConsumer } from './consumers.ts'
import { judge, tablesOf } from './tables.ts'

describe('a stream that is about changes of files', () => {
  const tables = tablesOf([
    streamConsumer({
      name: 's',
      events: new Set(['openat', 'rename', 'execve']),
      paths: ['/opt/a', '/etc/one.conf'],
      patterns: [],
      changes: true,
    }),
  ])
  const access = (mode: number): number => OUTCOMES.OK | (mode << OPEN_SHAPE.ACCESS_SHIFT)
  const [READS, WRITES] = [access(0), access(1)]
  for (const [event, shape, path, passes] of [
    ['openat', WRITES, '/opt/a/b/c', true],
    ['openat', READS, '/opt/a/b/c', false],
    ['openat', WRITES, '/opt/b', false],
    ['openat', WRITES, '/etc/one.conf', true],
    ['openat', WRITES, '/etc/two.conf', false],
    ['rename', OUTCOMES.OK, '/opt/a/b', true],
    ['rename', OUTCOMES.OK, '/opt/b', false],
    ['unlink', OUTCOMES.OK, '/opt/a/b', false],
    // What is executed has paths that nobody watches.
    ['execve', OUTCOMES.OK, '/bin/true', true],
  ] as const)
    test(`${event}, shape ${shape}, ${path}: ${passes ? 'wanted' : 'not wanted'}`, () => {
      const given = { name: path, start: undefined, resolved: undefined }
      const process = { comm: 'x', uid: 0, inContainer: undefined, image: undefined }
      const input = { event, shape, process, paths: [given], numbers: [], ends: [] }
      assert.equal(judge(tables, input) !== 0n, passes)
    })
})
