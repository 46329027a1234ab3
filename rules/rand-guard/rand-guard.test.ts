/** The built-in rules of rand-guard: they look at changes, not at reads, and say what else sets them off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordInit } from '../../src/decode/encode.ts'
import { createEngine } from '../../src/detect/engine.ts'
import type { SyscallContext } from '../../src/fields/context.ts'
import { SOURCES } from '../../src/fields/index.ts'
import type { CompiledRule } from '../../src/rules/ir.ts'
import { loadRules } from '../../src/rules/load.ts'
import { connect, event, openat, SHELL, snapshot, socketEvent } from '../../src/testing/events.ts'
import { createWorld } from '../../src/testing/world.ts'

const loaded = loadRules([import.meta.dirname], { sources: SOURCES, roleOf: () => 'shipped' })
const rules = loaded.rules as readonly CompiledRule<SyscallContext>[]

function ids(record: RecordInit): readonly (string | undefined)[] {
  const engine = createEngine(rules, { matching: 'all', timeOf: (ctx) => ctx.event.time })
  const ctx = createWorld().feed(snapshot({ by: SHELL, path: '/usr/bin/bash' }), record)
  const fired: (string | undefined)[] = []
  engine.run(ctx.event.name, ctx, (rule) => fired.push(rule.meta?.id))
  return fired
}

const write = (path: string): RecordInit => event('write', {}, { res: 1, fd: 3, path, path_flags: 1 })
const unlink = (name: string): RecordInit => event('unlink', {}, { res: 0, name })
const rename = (oldpath: string, newpath: string): RecordInit =>
  event('rename', {}, { res: 0, oldpath, newpath })
const enable = (target: string, linkpath: string): RecordInit =>
  event('symlinkat', {}, { res: 0, target, linkpath })

const SYSTEMD = 'BUILTIN-FILE-SYSTEMD-001'
const CRON = 'BUILTIN-FILE-CRON-001'
const PORT = 'BUILTIN-NET-OUTBOUND-001'

const CASES: readonly (readonly [string, RecordInit, string | undefined])[] = [
  ['a unit is written', write('/etc/systemd/system/demo.service'), SYSTEMD],
  ['a unit below a directory', write('/run/systemd/system/x.d/demo.service'), SYSTEMD],
  ['a unit is put in place', rename('/tmp/x', '/usr/lib/systemd/system/demo.service'), SYSTEMD],
  [
    'a unit is enabled',
    enable(
      '/usr/lib/systemd/system/demo.service',
      '/etc/systemd/system/multi-user.target.wants/demo.service',
    ),
    SYSTEMD,
  ],
  ['a unit is removed', unlink('/etc/systemd/system/demo.service'), SYSTEMD],
  ['a unit is read', openat({ path: '/etc/systemd/system/demo.service' }), undefined],
  ['another kind of file', write('/etc/systemd/system/demo.conf'), undefined],
  ['a unit elsewhere', write('/etc/demo.service'), undefined],
  ['a cron table is written', write('/etc/cron.d/job'), CRON],
  ['the crontab is written', write('/etc/crontab'), CRON],
  ['a daily job is linked', enable('/tmp/x', '/etc/cron.daily/x'), CRON],
  ['the crontab is read', openat({ path: '/etc/crontab' }), undefined],
  ['a neighbour by name', write('/etc/crontab.bak'), undefined],
  ['port 4444', connect({ local: '127.0.0.1 40000', remote: '127.0.0.1 4444' }), PORT],
  ['port 31337', connect({ local: '10.0.0.1 40000', remote: '10.0.0.2 31337' }), PORT],
  ['another port', connect({ local: '10.0.0.1 4444', remote: '10.0.0.2 443' }), undefined],
  ['listening on the port', socketEvent('listen', { local: '0.0.0.0 4444' }), undefined],
]

for (const [name, record, id] of CASES)
  test(`${name}: ${id ?? 'nothing'}`, () => assert.deepEqual(ids(record), id === undefined ? [] : [id]))

test('they load without a complaint, are on, and say what else sets them off', () => {
  assert.deepEqual(
    loaded.files.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  )
  assert.deepEqual(rules.map(({ meta }) => meta?.id).sort(), [CRON, SYSTEMD, PORT].sort())
  for (const rule of rules) assert.match(rule.desc, /False positives: \S/)
})

test('no one else may have their ids', () => {
  const files = loadRules([import.meta.dirname], { sources: SOURCES }).files
  assert.match(files[0]?.errors[0]?.message ?? '', /reserved/)
})
