/** What a command writes reaches a reader that takes its time, whole, and one that goes away is no error. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { TARSIER } from '../e2e/support/agent.ts'

const OPTIONS = { encoding: 'utf8', timeout: 60_000 } as const

const shell = (script: string): string =>
  execFileSync('sh', ['-c', script, 'sh', TARSIER], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 120_000,
  })

test('more than a pipe holds, to a slow reader', () => {
  const text = shell('"$1" events --json | (sleep 1; cat)')
  assert.ok(text.length > 65_536)
  const events: readonly { readonly alias_of?: string }[] = JSON.parse(text)
  assert.equal(events.filter(({ alias_of }) => alias_of === undefined).length, PUBLIC_EVENT_TYPES.length)
})
test('a reader that goes away', () =>
  assert.equal(shell('{ "$1" events --json; echo "status $?" >&2; } 2>&1 | head -c 10').length, 10))

const FULL = 'error: cannot write output: no space left on the device\n'
test('a disk with room for the beginning', (t) => {
  if (process.getuid?.() !== 0) return t.skip('mounts a file system of its own')
  const script = 'mount -t tmpfs -o size=4k none /mnt && "$1" events >/mnt/out'
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', TARSIER], OPTIONS)
  assert.deepEqual([status, stderr], [1, FULL])
})
test('a device without room', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$1" events >/dev/full', 'sh', TARSIER], OPTIONS)
  assert.deepEqual([status, stderr], [1, FULL])
})
