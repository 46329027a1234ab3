/** What a command writes reaches a reader that takes its time, whole, and one that goes away is no error. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { PUBLIC_EVENT_TYPES } from '../../schema/index.ts'
import { TARSIER } from '../e2e/support/agent.ts'

const shell = (script: string): string =>
  execFileSync('sh', ['-c', script, 'sh', TARSIER], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 120_000,
  })

test('more than a pipe holds, to a slow reader', () => {
  const text = shell('"$1" events --json | (sleep 1; cat)')
  assert.ok(text.length > 65_536)
  assert.equal(JSON.parse(text).length, PUBLIC_EVENT_TYPES.length)
})
test('a reader that goes away', () =>
  assert.equal(shell('{ "$1" events --json; echo "status $?" >&2; } 2>&1 | head -c 10').length, 10))
