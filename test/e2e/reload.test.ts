/** SIGHUP: rules are read again while the agent works. Nothing is lost, and what cannot be taken over changes nothing. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../kernel/support/programs.ts'
import { marker, NEEDS_ROOT, openFolder, type Rule, type Running, startAgent } from './support/agent.ts'

/** A long run asks for more (RELOADS=100). */
const RELOADS = Number(process.env['RELOADS'] ?? 15)
const RELOAD_MS = 10_000

suite('reload', { skip: NEEDS_ROOT }, () => {
  const word = marker()
  const folder = NEEDS_ROOT ? '' : openFolder('reload')
  const file = join(folder, 'rules.yaml')
  let agent: Running
  let said = 0

  const write = (...rules: readonly Rule[]): void =>
    writeFileSync(file, JSON.stringify(rules.map((rule) => ({ desc: 'd', priority: 'WARNING', ...rule }))))
  /** What the agent says about the reload. */
  const reload = async (): Promise<string> => {
    agent.child.kill('SIGHUP')
    const lines = (): string[] => agent.stderr.split('\n').filter((line) => line.includes('SIGHUP:'))
    assert.ok(await agent.until(() => lines().length > said, RELOAD_MS), agent.stderr)
    said++
    return lines()[said - 1]!
  }
  // A path by its beginning: guards keep everything else on this machine out of the rings.
  const opensBelow = (path: string, output: string): Rule => ({
    rule: `Opens below ${path}`,
    condition: `evt.type in (open, openat, openat2) and fd.name startswith "${path}/"`,
    output,
  })
  const last = opensBelow(folder.slice(0, folder.lastIndexOf('/')), 'file=%fd.name')
  before(async () => {
    write(last)
    agent = await startAgent({
      rules: [file],
      set: ['watch_config_files=false', ...(process.env['SET'] ?? '').split(',').filter(Boolean)],
    })
  })
  after(async () => {
    const ended = await agent?.stop()
    assert.equal(ended?.status, 0, ended?.stderr)
  })

  test('a rule about events that nobody wanted before', async () => {
    const path = join(folder, `${word}-gone`)
    const gone: Rule = {
      rule: 'Gone',
      condition: `evt.type in (unlink, unlinkat) and fs.path.name contains ${word}`,
      output: 'gone=%fs.path.name',
    }
    const remove = (): void => {
      writeFileSync(path, '')
      unlinkSync(path)
    }
    assert.equal((await agent.alerts(word, remove)).length, 1)
    write(gone, last)
    assert.match(await reload(), /reloaded, 2 rules/)
    const lines = await agent.alerts(word, remove)
    assert.deepEqual(
      lines.map((line) => /(?:gone|file)=/.exec(line)?.[0]),
      ['file=', 'gone='],
    )
    write(last)
    assert.match(await reload(), /reloaded, 1 rule/)
    assert.equal((await agent.alerts(word, remove)).length, 1)
  })
  test('a rule about a syscall without a program of its own', async () => {
    const call: Rule = {
      rule: 'Umask',
      condition: `evt.type = umask and proc.name = raw and proc.cmdline contains ${word}`,
      output: 'umask %proc.cmdline',
    }
    write(call, last)
    assert.match(await reload(), /reloaded, 2 rules/)
    const lines = await agent.alerts(word, () =>
      execFileSync(program('raw'), ['umask', '18', ',', 'unlink', `=/nowhere/${word}`]),
    )
    assert.match(lines.join('\n'), /umask raw umask 18/)
    assert.equal(lines.length, 1)
  })
  test('rules that are not valid change nothing', async () => {
    writeFileSync(file, '- rule: x\n  condition: nonsense\n')
    assert.match(await reload(), /the rules are not valid; the rules in force stay/)
    assert.match(agent.stderr, /rules\.yaml:\d+:\d+: error/)
    assert.equal((await agent.alerts(word, () => writeFileSync(join(folder, word), ''))).length, 1)
  })
  test('what takes a new start changes nothing', async () => {
    write({ rule: 'Traced', condition: 'evt.type = ptrace', output: 'traced' }, last)
    assert.match(await reload(), /rules about ptrace take a new start.*; the rules in force stay/)
    assert.equal((await agent.alerts(word, () => writeFileSync(join(folder, word), ''))).length, 1)
  })
  test(`${RELOADS} reloads under load lose no match`, async () => {
    let made = 0
    const timer = setInterval(() => writeFileSync(join(folder, `${word}-n${made++}-`), ''), 10)
    const more = opensBelow('/nowhere', 'x')
    for (let i = 0; i < RELOADS; i++) {
      write(...(i % 2 === 0 ? [more, last] : [last]))
      assert.match(await reload(), /reloaded/)
    }
    await sleep(50)
    clearInterval(timer)
    const count = (n: number): number => agent.lines.filter((line) => line.includes(`${word}-n${n}-`)).length
    await agent.until(() => count(made - 1) === 1, RELOAD_MS)
    const counts = Array.from({ length: made }, (_, n) => count(n))
    assert.deepEqual(
      counts.filter((n) => n !== 1),
      [],
      `of ${made}`,
    )
  })
})
