import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cleanMappings, releaseStartMemory, residentWatch } from './resident.ts'

const mapping = (rights: string, path: string, anonymous = 0): string =>
  `00400000-00403000 ${rights} 00000000 fe:00 12    ${path}\nSize: 12 kB\nAnonymous:      ${anonymous} kB\nVmFlags: rd\n`
const clean = (...texts: string[]): number => cleanMappings(texts.join('')).length

test('text and constants of a file are clean', () => {
  assert.deepEqual(cleanMappings(mapping('r-xp', '/usr/bin/node')), [{ address: 0x400000, length: 0x3000 }])
  assert.equal(clean(mapping('r--p', '/usr/bin/node'), mapping('r-xp', '/lib/a b.so')), 2)
})
test('what was written, can be written, is shared or is no file is not', () => {
  assert.equal(clean(mapping('r--p', '/usr/bin/node', 4)), 0)
  assert.equal(clean(mapping('rw-p', '/usr/bin/node')), 0)
  assert.equal(clean(mapping('r--s', 'anon_inode:bpf-map')), 0)
  assert.equal(clean(mapping('r--s', '/dev/shm/x')), 0)
  assert.equal(clean(mapping('r-xp', '[vdso]')), 0)
  assert.equal(clean(mapping('r--p', '')), 0)
  assert.equal(clean(mapping('r-xp', '/usr/bin/node (deleted)')), 0)
})
test('the process goes on with less', () => {
  const resident = (): number =>
    Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  const before = resident()
  releaseStartMemory()
  assert.ok(resident() < before / 2, `${resident()} of ${before} kB of files`)
  assert.equal([3, 1, 2].sort().join(), '1,2,3')
})
test('only growth is worth a release, from where the last one left it', () => {
  const MB = 2 ** 20
  let rss = 70 * MB
  let released = 0
  const look = residentWatch(
    () => rss,
    () => {
      released++
      rss -= 2 * MB
    },
  )
  const after = (mb: number): number => {
    rss = mb * MB
    look()
    return released
  }
  assert.deepEqual([76, 77, 80, 82, 60, 66, 67].map(after), [0, 1, 1, 2, 2, 2, 3])
})
