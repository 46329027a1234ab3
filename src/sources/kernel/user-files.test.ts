import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
test('a directory in its place is an empty file', () => {
  rmSync(passwd)
  mkdirSync(passwd)
  assert.equal(new UserFiles(root).changed()?.passwd, '')
})
