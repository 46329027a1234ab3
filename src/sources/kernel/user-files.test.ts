import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../../testing/scratch.ts'
import { UserFiles } from './user-files.ts'

const root = scratchFolder('users')
const passwd = join(root, 'etc/passwd')

test('told at first and when something changes', () => {
  const files = new UserFiles(root)
  assert.deepEqual(files.changed(), { passwd: '', group: '' })
  assert.equal(files.changed(), undefined)
  mkdirSync(join(root, 'etc'))
  writeFileSync(passwd, 'a')
  assert.deepEqual(files.changed(), { passwd: 'a', group: '' })
  assert.equal(files.changed(), undefined)
  writeFileSync(`${passwd}+`, 'b')
  renameSync(`${passwd}+`, passwd)
  writeFileSync(join(root, 'etc/group'), 'g')
  assert.deepEqual(files.changed(), { passwd: 'b', group: 'g' })
})
test('a link that leads nowhere, a file that never ends and one beyond reason are empty files', () => {
  rmSync(passwd)
  symlinkSync('passwd', passwd)
  assert.equal(new UserFiles(root).changed()?.passwd, '')
  rmSync(passwd)
  assert.equal(spawnSync('mkfifo', [passwd]).status, 0)
  assert.equal(new UserFiles(root).changed()?.passwd, '')
  rmSync(passwd)
  writeFileSync(passwd, 'a')
  truncateSync(passwd, (32 << 20) + 1)
  assert.equal(new UserFiles(root).changed()?.passwd, '')
})
test('a directory in its place is an empty file', () => {
  rmSync(passwd)
  mkdirSync(passwd)
  assert.equal(new UserFiles(root).changed()?.passwd, '')
})
