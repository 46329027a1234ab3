import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../testing/waiting.ts'
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

/** A manager: prints each message it gets until the service stops, as JSON. */
const MANAGER = `
import socket, sys, json
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); s.settimeout(20)
print('"bound"', flush=True)
said = ''
while not said.startswith('STOPPING'):
    said = s.recv(4096).decode()
    print(json.dumps(said), flush=True)
`
test('messages arrive', { skip: process.platform !== 'linux' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tarsier-service-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'notify')
  const manager = spawn('python3', ['-c', MANAGER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
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
  await until(() => text.includes('WATCHDOG=1'))
  service.stopping()
  await ended
  const told: readonly string[] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  // On a busy machine it is told that all is well more than once.
  assert.deepEqual(
    told.filter((one, i) => one !== told[i - 1]),
    ['bound', 'READY=1\nSTATUS=3 rules all well', 'WATCHDOG=1', 'STOPPING=1\nWATCHDOG_USEC=60000000'],
  )
})
