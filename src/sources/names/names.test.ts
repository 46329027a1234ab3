import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { NameAnswer } from '../../decode/answers.ts'
import { testResolver } from '../../testing/resolver.ts'
import { scratchFolder } from '../../testing/scratch.ts'
import { HostsFile, parseHosts } from './hosts.ts'
import { NameSource, type NameSourceOptions } from './source.ts'

const folder = scratchFolder('names')
const NO_HOSTS = join(folder, 'nothing')

function open(options: Partial<NameSourceOptions>) {
  const answers: NameAnswer[] = []
  let wake = (): void => undefined
  let settle = (): void => undefined
  const settled = new Promise<void>((resolve) => (settle = resolve))
  const source = new NameSource({
    names: [],
    servers: [],
    hostsFile: NO_HOSTS,
    waitMs: 5000,
    refreshMs: { least: 20, most: 60_000 },
    keepMs: 60_000,
    ...options,
    settled: settle,
    answer(answer) {
      answers.push(answer)
      wake()
    },
  })
  const next = async (): Promise<NameAnswer> => {
    while (answers.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return answers.shift()!
  }
  return { source, next, answers, settled }
}
/** Timers of a source keep no process alive. */
const alive = setInterval(() => undefined, 1000)
after(() => clearInterval(alive))

test('names become addresses of both families', async () => {
  const dns = await testResolver({ 'a.example': ['192.0.2.1', '2001:db8::1', '192.0.2.2'], 'b.example': [] })
  const { source, answers, settled } = open({
    names: ['a.example', 'b.example', 'none.example', 'a.example'],
    servers: [dns.server],
  })
  await source.start()
  await settled
  assert.deepEqual(
    [...answers].sort((x, y) => (x.name < y.name ? -1 : 1)),
    [
      { name: 'a.example', addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1'] },
      { name: 'b.example', addresses: [] },
      { name: 'none.example', addresses: [] },
    ],
  )
  assert.deepEqual(source.counts, { wanted: 3, resolved: 1, asked: 3, failed: 0 })
  source.close()
  dns.close()
})

test('a changed name is told again, and an address that went stays for a while', async () => {
  const table: Record<string, readonly string[]> = { 'a.example': ['192.0.2.1'] }
  const dns = await testResolver(table, { ttl: 0 })
  const { source, next } = open({ names: ['a.example'], servers: [dns.server] })
  await source.start()
  assert.deepEqual((await next()).addresses, ['192.0.2.1'])
  table['a.example'] = ['192.0.2.9']
  assert.deepEqual((await next()).addresses, ['192.0.2.1', '192.0.2.9'])
  source.close()
  dns.close()
})

test('an address that went is forgotten when its time is over', async () => {
  const table: Record<string, readonly string[]> = { 'a.example': ['192.0.2.1'] }
  const dns = await testResolver(table, { ttl: 0 })
  const { source, next } = open({ names: ['a.example'], servers: [dns.server], keepMs: 0 })
  await source.start()
  assert.deepEqual((await next()).addresses, ['192.0.2.1'])
  table['a.example'] = ['192.0.2.9']
  assert.deepEqual((await next()).addresses, ['192.0.2.9'])
  source.close()
  dns.close()
})

test('hosts(5) comes first', async () => {
  const hostsFile = join(folder, 'hosts')
  writeFileSync(hostsFile, '# comment\n127.0.0.1 localhost\n192.0.2.5 a.example A2.example # more\n')
  const dns = await testResolver({})
  const { source, next } = open({ names: ['A.Example'], servers: [dns.server], hostsFile })
  await source.start()
  assert.deepEqual(await next(), { name: 'A.Example', addresses: ['192.0.2.5'] })
  assert.deepEqual(dns.asked, [])
  source.close()
  dns.close()
})

test('a silent resolver settles when the wait is over', async () => {
  const dns = await testResolver({}, { silent: true })
  const { source, answers, settled } = open({ names: ['a.example'], servers: [dns.server], waitMs: 20 })
  await source.start()
  await settled
  assert.deepEqual(answers, [])
  source.close()
  dns.close()
})

test('no names, nobody asked', async () => {
  const { source, settled } = open({})
  await source.start()
  await settled
  source.close()
})

test('hosts(5) in its parts', () =>
  assert.deepEqual(
    [...parseHosts('1.2.3.4\ta b c\n\n#x\n::1 B\nword', new Set(['a', 'b']))],
    [
      ['a', ['1.2.3.4']],
      ['b', ['1.2.3.4', '::1']],
    ],
  ))

test('hosts(5) is read again when it has changed', async () => {
  const path = join(folder, 'changing')
  const hosts = new HostsFile(path, ['a'])
  assert.equal(await hosts.addresses('a'), undefined)
  writeFileSync(path, '1.2.3.4 A')
  assert.deepEqual(await hosts.addresses('a'), ['1.2.3.4'])
  writeFileSync(path, '1.2.3.45 a')
  assert.deepEqual(await Promise.all([hosts.addresses('a'), hosts.addresses('A')]), [
    ['1.2.3.45'],
    ['1.2.3.45'],
  ])
  rmSync(path)
  assert.equal(await hosts.addresses('a'), undefined)
})
