import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { inFolder, recordTo } from '../testing/captures.ts'
import { execve, openat, snapshot } from '../testing/events.ts'
import { readBeginning } from './beginning.ts'

test('the beginning of a capture: processes, users, mounts and open files, and nothing of what follows', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'a.cap')
    const files = [{ pid: 100, files: [[3, '/tmp/ä\udcff'] as const, [4, 'socket:[5]'] as const] }]
    recordTo(file, (sink, feed, recorder) => {
      recorder.inventory({ mounts: '1 2 0:1 / /proc rw - proc proc rw\n', files, leftOut: 2 })
      sink.users('alice:x:1000:1000::/:/bin/sh\n', '')
      feed(snapshot({ path: '/bin/bash', time: 1000 }), openat({ path: '/x', time: 2000 }))
      feed(execve({ path: '/bin/later', time: 3000 }))
      sink.users('bob:x:1000:1000::/:/bin/sh\n', '')
    })
    const beginning = await readBeginning(file, 'auto')
    const { processes, userName, mounts, leftOut } = beginning
    assert.deepEqual(
      processes.map(({ pid, exePath }) => [pid, exePath.text]),
      [[100, '/bin/bash']],
    )
    assert.deepEqual([userName(1000), mounts.length, leftOut, beginning.files], ['alice', 1, 2, files])
  }))
