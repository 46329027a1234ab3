/** Opens on the running kernel: one event for each call, with the true path. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type Live, NEEDS_ROOT, openLive, pick, type Seen } from './support/live.ts'
import { AT_FDCWD, bytes, type Call, ref, vector, zeros } from './support/raw.ts'
import { scratchFolder } from './support/scratch.ts'

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
    live = openLive({ events: ['open', 'creat', 'openat', 'openat2', 'write'] })
  })
  after(() => live.stop())

  /** Opens among the records of these calls, checked to be exactly `n`, with the descriptors the calls returned. */
  const opens = (calls: readonly Call[], options = {}): Seen[] => {
    const { records, results } = live.raw(calls, options)
    const seen = records.filter((r) => r.event !== 'write')
    const expected = calls.flatMap(([name], i) => (/^(open|creat)/.test(name) ? [[name, results[i]]] : []))
    assert.deepEqual(
      seen.map((r) => [r.event, r.f['fd']]),
      expected,
    )
    return seen
  }
  const lastOpen = (calls: readonly Call[], options = {}): Seen => opens(calls, options).at(-1)!

  test('by absolute path', () => {
    const seen = lastOpen([['openat', AT_FDCWD, secret, 0]])
    const file = statSync(secret)
    assert.deepEqual(seen.f, {
      fd: 3,
      dirfd: AT_FDCWD,
      flags: 0,
      mode: 0,
      resolve: 0,
      ino: file.ino,
      dev: seen.f['dev'],
      i_mode: file.mode,
      f_mode: seen.f['f_mode'],
      path_flags: KERNEL,
      name: secret,
      path: secret,
      dir: process.cwd(),
    } satisfies Seen['f'] | { dir?: string })
  })
})
