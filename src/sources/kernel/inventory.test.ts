import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readInventory } from './inventory.ts'

test('open files and sockets of this process, and what is mounted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-inventory-'))
  const file = join(folder, 'a b')
  const fd = openSync(file, 'w')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  try {
    const { mounts, files } = readInventory('/proc', { descriptors: 1_000_000, ms: 60_000 })
    const own = files.find(({ pid }) => pid === process.pid)!.files
    assert.deepEqual(
      own.find(([, name]) => name === file),
      [fd, file],
    )
    assert.match(mounts, / \/proc /)
    const { port } = server.address() as { port: number }
    const listening = own.filter(([, name]) => name.endsWith(` tcp 127.0.0.1:${port}->0.0.0.0:0`))
    // In a network namespace of its own the host's tables do not have it.
    assert.ok(listening.length === 1 || own.some(([, name]) => /^socket:\[\d+\]$/.test(name)))
  } finally {
    server.close()
    closeSync(fd)
    rmSync(folder, { recursive: true })
  }
})
test('it is bounded, and says what is left out', () => {
  const { files, leftOut } = readInventory('/proc', { descriptors: 0, ms: 1000 })
  assert.deepEqual(files, [])
  assert.ok(leftOut > 0)
})
test('a /proc that is none is empty', () => {
  assert.deepEqual(readInventory('/nonexistent'), { mounts: '', files: [], leftOut: 0 })
})
