/** `tarsier ctl` and a running agent: answers are true, refusals change nothing, and no client gets in the way of events. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  type Ended,
  marker,
  NEEDS_ROOT,
  openFolder,
  opensOf,
  type Running,
  startAgent,
  tarsier,
  writeRules,
} from './support/agent.ts'

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
const TIME_MS = 10_000

suite('control', { skip: NEEDS_ROOT }, () => {
  const word = marker()
  const folder = NEEDS_ROOT ? '' : openFolder('control')
  const lock = join(folder, 'agent.lock')
  const socket = join(folder, 'control.sock')
  const log = join(folder, 'alerts.log')
  const rule = opensOf(word, 'file=%fd.name')
  const rules = NEEDS_ROOT ? '' : writeRules(folder, rule)
  let agent: Running

  const ctl = (...args: readonly string[]): Ended => tarsier(['ctl', ...args, '--socket', socket])
  const result = (...args: readonly string[]): Record<string, unknown> => {
    const { status, stdout, stderr } = ctl(...args, '--json')
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout)
  }
  const start = (): Promise<Running> =>
    startAgent({
      rules: [rules],
      lock,
      set: [
        'file_output.enabled=true',
        `file_output.filename=${log}`,
        'file_output.keep_alive=true',
        'watch_config_files=false',
      ],
    })
  const ready = (): Promise<boolean> => agent.until(() => existsSync(socket), TIME_MS)
  before(async () => {
    agent = await start()
    await ready()
  })
  after(async () => {
    const ended = await agent?.stop()
    assert.equal(ended?.status, 0, ended?.stderr)
    assert.ok(!existsSync(socket))
  })

  test('the socket is for root alone, beside the lock', () => {
    assert.equal(statSync(socket).mode & 0o777, 0o600)
    const { status, stderr } = tarsier(['ctl', 'status', '--socket', socket], NOBODY)
    assert.equal(status, 1)
    assert.match(stderr, /^error: the control socket '.*' is not yours\n {2}hint: only root/)
  })
  test('the kernel says who asks: others are sent away though they could connect', async () => {
    chmodSync(socket, 0o666)
    const { status, stderr } = tarsier(['ctl', 'status', '--socket', socket], NOBODY)
    chmodSync(socket, 0o600)
    assert.equal(status, 1)
    assert.match(stderr, /^error: the agent closed the connection without an answer/)
    const refused = (): boolean =>
      /warning: control socket: user 65534 .* is not allowed to ask/.test(agent.stderr)
    assert.ok(await agent.until(refused, TIME_MS), agent.stderr)
  })
  test('status is what happened', async () => {
    const one = result('status') as { pid: number; alerts: number }
    assert.equal(one.pid, agent.pid)
    await agent.alerts(word, () => writeFileSync(join(folder, word), ''))
    const two = result('status') as {
      alerts: number
      rules: number
      losses: object
      outputs: { name: string; sent: number }[]
      guards: { generation: number }
    }
    // The last act of the test is one more.
    assert.equal(two.alerts, one.alerts + 2)
    assert.equal(two.rules, 1)
    assert.equal(two.guards.generation, 1)
    assert.deepEqual(
      two.outputs.map(({ name, sent }) => [name, sent]),
      [
        ['stdout', two.alerts],
        [log, two.alerts],
      ],
    )
    const { stdout } = ctl('status')
    assert.match(stdout, /^rules +1 rule, \d+ programs attached$/m)
    assert.match(stdout, /^lost +nothing$/m)
    assert.match(stdout, /^output +type +sent +waiting/m)
  })
  test('reload tells how many rules there are, or everything that is wrong', async () => {
    const good = readFileSync(rules, 'utf8')
    writeRulesAgain(rules, [rule, { ...opensOf('nothing', 'x'), rule: 'Second' }])
    assert.equal(ctl('reload').stdout, 'reloaded, 2 rules\n')
    writeFileSync(rules, '- rule: x\n  condition: nonsense\n')
    const { status, stderr, stdout } = ctl('reload')
    assert.equal(status, 1)
    assert.match(stderr, /rules-mark\w+\.yaml:\d+:\d+: error/)
    assert.match(stderr, /error: not reloaded: the rules are not valid; the rules in force stay$/m)
    assert.equal(stdout, '')
    assert.equal((await agent.alerts(word, () => writeFileSync(join(folder, word), ''))).length, 1)
    const { reloads } = result('status') as { reloads: { done: number; failed: number; last: object } }
    assert.equal(reloads.done, 1)
    assert.equal(reloads.failed, 1)
    assert.match(
      ctl('status').stdout,
      /the latest, by tarsier ctl \(pid \d+\) at .*, was refused: the rules are not\s+valid/,
    )
    writeFileSync(rules, good)
    assert.deepEqual(result('reload'), { rules: 1 })
  })
  test('rotate opens the file of an output anew', async () => {
    renameSync(log, `${log}.1`)
    const act = (): void => writeFileSync(join(folder, word), '')
    await agent.alerts(word, act)
    assert.ok(!existsSync(log))
    assert.equal(ctl('rotate').status, 0)
    await agent.alerts(word, act)
    assert.match(readFileSync(log, 'utf8'), new RegExp(word))
  })
  test('loglevel', async () => {
    assert.deepEqual(result('loglevel', 'debug'), { before: 'info', now: 'debug' })
    result('status')
    assert.ok(await agent.until(() => agent.stderr.includes('debug: control socket: status'), TIME_MS))
    assert.equal(ctl('loglevel', 'info').stdout, 'log level info, before debug\n')
    assert.equal(ctl('loglevel', 'loud').status, 2)
  })
  test('explain counts what passes for the rules in force', async () => {
    const counted = startCounting()
    const timer = setInterval(() => writeFileSync(join(folder, word), ''), 20)
    const { stdout } = await counted
    clearInterval(timer)
    await agent.alerts(word, () => {})
    assert.match(stdout, new RegExp(`^rule +Opens of ${word}$`, 'm'))
    const [, passed] = /^live +(\d+) of \d+ events passed for it$/m.exec(stdout) ?? assert.fail(stdout)
    assert.ok(Number(passed) >= 1, stdout)
    const unknown = ctl('explain', 'Opens of nothing', '--seconds', '0')
    assert.equal(unknown.status, 1)
    assert.match(unknown.stderr, /there is no rule 'Opens of nothing'/)
    assert.equal((result('explain', '--seconds', '0') as { rules: object[] }).rules.length, 1)
  })
  /** Without waiting for it: the events come meanwhile. */
  async function startCounting(): Promise<Ended> {
    const { spawn } = await import('node:child_process')
    const { TARSIER } = await import('./support/agent.ts')
    const args = ['ctl', 'explain', rule.rule, '--seconds', '1', '--socket', socket]
    const child = spawn(TARSIER, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let stdout = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
    return { status, signal: null, stdout, stderr: '' }
  }
  test('hostile clients hold up nothing', async () => {
    const clients: Socket[] = []
    for (let i = 0; i < 200; i++) {
      const client = connect({ path: socket })
      client.on('error', () => {})
      client.pause()
      client.write([`${'x'.repeat(100_000)}`, '{"command":"status"}\n', '', '\0\n'][i % 4]!)
      clients.push(client)
    }
    for (let i = 0; i < 5; i++)
      assert.equal((await agent.alerts(word, () => writeFileSync(join(folder, word), ''))).length, 1)
    for (const client of clients) client.destroy()
    for (let tries = 0; ctl('status').status !== 0; tries++) assert.ok(tries < 20, ctl('status').stderr)
  })
  test('what an agent left behind when it was killed is taken over', async () => {
    await agent.stop('SIGKILL')
    assert.ok(existsSync(socket))
    const { status, stderr } = ctl('status')
    assert.equal(status, 1)
    assert.match(stderr, /^error: no agent runs here: nobody listens on '.*control\.sock'\n/)
    agent = await start()
    for (let tries = 0; ctl('status').status !== 0; tries++) assert.ok(tries < 20, agent.stderr)
    assert.equal((result('status') as { pid: number }).pid, agent.pid)
  })
  test('no agent: the path that was tried is said', () => {
    const none = join(dirname(socket), 'none', 'control.sock')
    const { status, stderr } = tarsier(['ctl', 'status', '-o', `control.socket=${none}`])
    assert.equal(status, 1)
    assert.ok(stderr.startsWith(`error: no agent runs here: there is no control socket '${none}'`), stderr)
  })
  test('a folder that others may write to has no socket, and the agent works all the same', async () => {
    await agent.stop()
    const open = openFolder('open')
    chmodSync(open, 0o777)
    agent = await startAgent({ rules: [rules], lock, set: [`control.socket=${join(open, 'x.sock')}`] })
    assert.match(agent.stderr, /others may write to its folder; 'tarsier ctl' cannot reach this agent/)
    assert.equal((await agent.alerts(word, () => writeFileSync(join(folder, word), ''))).length, 1)
  })
})

const writeRulesAgain = (file: string, rules: readonly object[]): void =>
  writeFileSync(file, JSON.stringify(rules.map((one) => ({ desc: 'd', priority: 'WARNING', ...one }))))
