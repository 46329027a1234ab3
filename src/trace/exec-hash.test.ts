/** Hashes of executed files: the very file, once, and never another one. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { execve } from '../testing/events.ts'
import { scratchFolder } from '../testing/scratch.ts'
import { createWorld } from '../testing/world.ts'
import { ExecHashes, type HashOptions } from './exec-hash.ts'

const folder = scratchFolder('hash')

/** An exec of the file as it is now. */
function execOf(path: string) {
  const { ino, ctimeNs } = statSync(path, { bigint: true })
  return createWorld().feed(execve({ path, fields: { exe_ino: ino, exe_ctime: ctimeNs, exe_dev: 1 } }))
}
const hashes = (more: Partial<HashOptions> = {}): ExecHashes =>
  new ExecHashes({ proc: join(folder, 'no-proc'), ...more })
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('a file is read once', async () => {
  const path = write('a', 'x'.repeat(700_000))
  const all = hashes()
  const exec = execOf(path)
  assert.deepEqual(await Promise.all([all.of(exec), all.of(exec)]), [sha256(path), sha256(path)])
  assert.equal(await all.of(exec), sha256(path))
  assert.deepEqual(all.counts, { hashed: 1, remembered: 2, missed: 0 })
})
test('another file in its place has not its hash', async () => {
  const path = write('b', 'old')
  const exec = execOf(path)
  renameSync(write('c', 'new'), path)
  const all = hashes()
  assert.equal(await all.of(exec), undefined)
  assert.equal(all.counts.missed, 1)
  assert.equal(await all.of(execOf(path)), sha256(path))
})
test('a file that is gone, or too large, has none', async () => {
  const path = write('d', 'x')
  const exec = execOf(path)
  rmSync(path)
  assert.equal(await hashes().of(exec), undefined)
  const large = write('e', '')
  truncateSync(large, 4096)
  assert.equal(await hashes({ largest: 4095 }).of(execOf(large)), undefined)
})
test('behind too many nobody waits', async () => {
  const paths = Array.from({ length: 6 }, (_, i) => write(`many-${i}`, `${i}`.repeat(100_000)))
  const all = hashes({ parallel: 1, waiting: 0 })
  const found = await Promise.all(paths.map((path) => all.of(execOf(path))))
  assert.equal(all.counts.hashed + all.counts.missed, paths.length)
  for (const [i, hash] of found.entries()) assert.ok(hash === undefined || hash === sha256(paths[i]!))
})
test('after the end there are no more', async () => {
  const all = hashes()
  all.close()
  assert.equal(await all.of(execOf(write('f', 'x'))), undefined)
})
