import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { socketAddress } from './datagrams.ts'
import { serviceManager, watchdogMs } from './service.ts'

test('without a manager there is nobody to tell', () => assert.equal(serviceManager({}), undefined))
test('what is no socket is nobody', () => {
  for (const name of ['', 'relative', '@', '/', `/${'x'.repeat(120)}`])
    assert.equal(socketAddress(name), undefined, name)
})
test('an abstract name', () => assert.deepEqual([...socketAddress('@ab')!], [1, 0, 0, 0x61, 0x62]))
test('the watchdog of somebody else is not ours', () => {
  assert.equal(watchdogMs({ WATCHDOG_USEC: '30000000' }), 30_000)
  assert.equal(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }), 30_000)
  assert.equal(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }), undefined)
  for (const usec of ['', '0', '-1', 'x', '1e9'])
    assert.equal(watchdogMs({ WATCHDOG_USEC: usec }), undefined, usec)
})

/** A manager: prints each message it gets, as JSON. */
const MANAGER = `
import socket, sys, json
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); s.settimeout(20)
print('"bound"', flush=True)
for i in range(int(sys.argv[2])): print(json.dumps(s.recv(4096).decode()), flush=True)
`
test('messages arrive', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-service-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'notify')
  const manager = spawn('python3', ['-c', MANAGER, path, '3'], { stdio: ['ignore', 'pipe', 'inherit'] })
  manager.on('error', () => t.skip('python3 is missing'))
  let text = ''
  const bound = Promise.withResolvers<void>()
  manager.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    bound.resolve()
  })
  const ended = once(manager, 'exit')
  await Promise.race([bound.promise, ended])
  const service = serviceManager({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' })!
  service.ready('3 rules\nall well')
  await new Promise((resolve) => setTimeout(resolve, 130))
  service.stopping()
  await ended
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    ['bound', 'READY=1\nSTATUS=3 rules all well', 'WATCHDOG=1', 'STOPPING=1\nWATCHDOG_USEC=60000000'],
  )
})
