/** `tarsier bench mix` as a user runs it: what guards must never change. Never its times. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { MIX_STEPS } from '../../src/bench/mix-workload.ts'

const ROOT = join(import.meta.dirname, '../..')
const NEEDS_ROOT = process.geteuid?.() === 0 ? {} : { skip: 'runs the agent: needs root' }

interface Use {
  readonly name: string
  readonly times: readonly number[]
  readonly found: string
  readonly all: number
  readonly share: number
  readonly violations: number
}

test('bench mix --quick --json: guards keep events away, and nothing that is to be found', NEEDS_ROOT, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-bench-'))
  try {
    const args = ['bench', 'mix', '--quick', '--json', '-q', '--out', folder]
    const { status, stdout, stderr } = spawnSync(join(ROOT, 'bin/tarsier'), args, {
      encoding: 'utf8',
      timeout: 180_000,
    })
    assert.equal(status, 0, stderr)
    const [{ on }] = (JSON.parse(stdout) as { results: { rounds: [{ on: readonly Use[] }] } }).results.rounds
    assert.equal(on.length, 4)
    for (const { name, times, all, violations } of on) {
      assert.equal(times.length, MIX_STEPS.length, name)
      assert.ok(all > 0, name)
      assert.equal(violations, 0, name)
    }
    for (const [guarded, open] of [on.slice(0, 2), on.slice(2)]) {
      assert.notEqual(guarded!.found, '')
      assert.equal(guarded!.found, open!.found)
      assert.ok(guarded!.share > open!.share)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
